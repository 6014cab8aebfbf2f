"""Proves an installation: each link of the chain, one after the other."""
