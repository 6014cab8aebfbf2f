"""A process of its own: repeats calls against candidates, out of the app's way."""
