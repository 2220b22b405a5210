"""Measurements, run by hand on a machine that does nothing else: `python -m tests.benchmarks.windows`, `make bench`."""
