"""A video encoded in parts: plan, encode, join."""
