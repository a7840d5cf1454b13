"""Entropy coding: tables and context models as integers, and the coder that takes them."""
