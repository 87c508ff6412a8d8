"""The whole of MUTT on one machine, for `make demo`, `make run` and the tests."""
