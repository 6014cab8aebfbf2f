"""One module for each family of gates: each says what was measured, and whether it is enough."""
