import io

import numpy as np
import pytest

import streamcodec


@pytest.fixture
def mixed(tiny_models: dict[str, str]) -> list[bytes]:
    """Streams of 48x32 and 40x64 (width x height) with 10 and 7 frames in GOPs of 4."""
    return [stream(10, 32, 48, tiny_models), stream(7, 64, 40, tiny_models)]


def stream(count: int, height: int, width: int, models: dict[str, str]) -> bytes:
    rng = np.random.default_rng(height)
    base = rng.integers(0, 256, (3, height, width), np.uint8)
    frames = [np.roll(base, 2 * number, axis=2) for number in range(count)]
    out = io.BytesIO()
    options = {"frame_rate": 10, "gop": 4, "scenecut": 0, "b_frames": 0, "device": "cpu"}
    streamcodec.encode(frames, out, **options, **models)
    return out.getvalue()
