"""Promises in figures. Each module here with a `run` is a part; `make bench ARGS=NAME` runs that one alone."""
