"""Published checkpoints into weights files."""
