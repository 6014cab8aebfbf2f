"""What mirroring costs the app, measured; `make bench` runs all of it."""
