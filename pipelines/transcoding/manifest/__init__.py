"""The state of a run, in SQLite."""
