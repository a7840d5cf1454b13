"""The quality that meets a target, from a sample of the source."""
