"""Pairs sorted by what the candidate did wrong: lists of them, one of them, one of them blinded."""
