"""Rate and distortion: what to measure, measuring it, the rows that come of it, and tables and figures of them."""
