"""Published image and video models."""
