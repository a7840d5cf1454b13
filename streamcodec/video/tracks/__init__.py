"""Sound and subtitles of a source, packet by packet, and into a video again."""
