"""Checks that need no truth: what a check is, ours, and those of other packages."""
