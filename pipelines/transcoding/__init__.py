"""Whole datasets into streams and back."""
