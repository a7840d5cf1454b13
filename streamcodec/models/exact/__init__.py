"""Entropy parameters in exact integers."""
