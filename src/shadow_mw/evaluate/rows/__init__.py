"""One JSON object a pair: read into a store, written out of it."""
