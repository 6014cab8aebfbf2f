"""Cosine of the embeddings of two outputs: what an embedding model calls alike, kept by text."""
