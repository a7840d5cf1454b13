"""Streams as a dataset of Ray Data."""
