"""What reading a stream is made of: opening it, its packets, its frames, and what is lost of them."""
