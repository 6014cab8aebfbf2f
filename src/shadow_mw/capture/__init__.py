"""In the app: look, decide, keep references, hand over."""
