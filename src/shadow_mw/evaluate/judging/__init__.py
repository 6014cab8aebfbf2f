"""LLM judges: asked in both orders, read strictly, kept by epoch."""
