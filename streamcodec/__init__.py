"""A neural video codec."""
