"""Adapters at the border: files in, records out."""
