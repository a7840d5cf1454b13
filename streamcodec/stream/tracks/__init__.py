"""Sound and subtitles into a stream, between its frames, and out of it again."""
