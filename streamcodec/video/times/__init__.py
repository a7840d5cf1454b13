"""Times of frames: from packets, for containers, and in order."""
