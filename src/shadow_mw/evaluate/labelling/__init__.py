"""Pairs drawn for people to choose between, and the file of their choices."""
