"""What tests of several folders use: `from support.synthetic import write_clip` (pyproject.toml puts tests/ on the path)."""
