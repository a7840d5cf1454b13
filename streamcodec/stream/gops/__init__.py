"""Which frames make a GOP, which of them are B-frames, and in what order they are coded."""
