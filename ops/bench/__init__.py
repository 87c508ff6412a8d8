"""Benchmarks: each prints what was measured beside a reference of the same run."""
