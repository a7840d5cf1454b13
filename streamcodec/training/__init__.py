"""Training of the default models."""
