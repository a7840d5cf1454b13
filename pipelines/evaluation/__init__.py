"""Rate-distortion curves of streamcodec and of other encoders."""
