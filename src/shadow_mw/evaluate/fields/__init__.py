"""Fields of structured outputs: how they are compared, and what each leg did with each."""
