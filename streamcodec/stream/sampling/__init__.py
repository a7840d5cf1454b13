"""Frames and clips for training: from one stream or many, in one size and type."""
