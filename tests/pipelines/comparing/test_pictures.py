"""Pictures of chosen frames in a page."""

import io
from base64 import b64decode

import numpy as np
import pytest
from PIL import Image

from streamcodec.pipelines.comparing.pictures import (
    Chosen,
    Window,
    data_uri,
    embedded,
    window_of,
)
from streamcodec.types import ColorSpec
from streamcodec.video import to_rgb, to_yuv420

COLOR = ColorSpec(matrix=6)


def pixels_of(uri: str) -> np.ndarray:
    """(3, H, W)."""
    data = b64decode(uri.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).transpose(2, 0, 1)


def noise(height: int, width: int, seed: int = 0) -> tuple[np.ndarray, ...]:
    rgb = np.random.default_rng(seed).integers(0, 256, (3, height, width), dtype=np.uint8)
    return to_yuv420(rgb, COLOR)


@pytest.mark.parametrize("webp", [True, False])
def test_a_picture_is_lossless(webp: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "streamcodec.pipelines.comparing.pictures.features.check", lambda name: webp
    )
    rgb = np.random.default_rng(0).integers(0, 256, (3, 20, 30), dtype=np.uint8)
    uri = data_uri(rgb)
    assert uri.startswith(f"data:image/{'webp' if webp else 'png'};base64,")
    assert (pixels_of(uri) == rgb).all()


def test_a_window_lies_where_the_error_is() -> None:
    source = noise(200, 320)
    luma = source[0].copy()
    luma[130:150, 250:280] ^= 0x80
    window = window_of(source, [None, (luma, *source[1:])], 64, 64)
    assert window.left <= 250 <= 280 <= window.left + 64
    assert window.top <= 130 <= 150 <= window.top + 64


def test_a_window_of_equal_pictures_lies_in_the_middle() -> None:
    source = noise(200, 320)
    window = window_of(source, [source], 64, 64)
    assert abs(window.left - 128) <= 16
    assert abs(window.top - 68) <= 16


def test_small_pictures_are_whole() -> None:
    source = noise(60, 80)
    [(window, uris)] = embedded([Chosen(0, (), (source, None, source))], COLOR, 0, 100_000)
    assert window == Window(0, 0, 80, 60)
    assert uris[1] is None
    assert (pixels_of(str(uris[0])) == to_rgb(source, COLOR)).all()


@pytest.mark.parametrize("turns", [0, 1])
def test_large_pictures_are_cut_to_the_limit(turns: int) -> None:
    source, other = noise(400, 600), noise(400, 600, seed=1)
    chosen = [Chosen(number, (), (source, other)) for number in range(2)]
    found = embedded(chosen, COLOR, turns, 200_000)
    assert sum(len(str(uri)) for _, uris in found for uri in uris) <= 200_000
    for window, uris in found:
        part = to_rgb(source, COLOR)[
            :, window.top : window.top + window.height, window.left : window.left + window.width
        ]
        assert (pixels_of(str(uris[0])) == np.rot90(part, turns, axes=(1, 2))).all()
        assert 64 <= window.height < window.width < 600


def test_there_is_a_least_size() -> None:
    [(window, _)] = embedded([Chosen(0, (), (noise(300, 300),))], COLOR, 0, 100)
    assert (window.width, window.height) == (64, 64)
