"""Videos to streams and back, and streams as sequences of frames. What is public of it, `streamcodec` has."""
