"""A source beside what several codings made of it."""
