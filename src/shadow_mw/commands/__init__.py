"""One module per command of `shadow-mw`."""
