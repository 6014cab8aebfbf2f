"""Gateways' logs, read as pairs."""
