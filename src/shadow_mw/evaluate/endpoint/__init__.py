"""Calls of the evaluator that cost money: one bounded request, retries, a budget, one run."""
