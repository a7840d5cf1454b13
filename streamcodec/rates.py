"""Sizes of streams as rates: bits per pixel and kbit/s."""

__all__ = ["bits_per_pixel", "kbit_per_second"]


def bits_per_pixel(size_bytes: float, frames: int, width: int, height: int) -> float:
    """Bits of `size_bytes` over the pixels of all frames; 0 without frames."""
    pixels = frames * width * height
    return 8 * size_bytes / pixels if pixels else 0.0


def kbit_per_second(size_bytes: float, duration_seconds: float) -> float:
    """Thousands of bits per second; 0 for a duration of 0."""
    return 8e-3 * size_bytes / duration_seconds if duration_seconds else 0.0
