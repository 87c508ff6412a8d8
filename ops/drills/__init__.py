"""Drills: a sandbox is broken with known events in flight, and mended by the steps of docs/disaster-recovery.md."""
