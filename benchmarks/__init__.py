"""Measurements that hold the promises in figures. Each module with a `run` is a part; `make bench ARGS=NAME` runs one."""
