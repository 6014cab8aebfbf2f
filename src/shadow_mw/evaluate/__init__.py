"""Pairs what the runner emits, judges it and stores the results; start at `pipeline`."""
