"""What the frames that a sample lacks cost: later in a GOP, and in the GOP at the end."""

import io
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import streamcodec
from streamcodec.stream.control.rate import P_FRAME_DOUBLINGS
from streamcodec.stream.search.predict import USUAL_GROWTH, _CodedPiece, _Costs, _mean_of_video
from streamcodec.stream.search.sample import LONG_PIECE_FRAMES, PIECE_FRAMES

KEY_BYTES, EARLY_BYTES, LATE_BYTES = 1000.0, 100.0, 150.0
KEY_ERROR, EARLY_ERROR, LATE_ERROR = 2.0, 4.0, 5.0
GROWTH = (LATE_BYTES + USUAL_GROWTH * EARLY_BYTES) / (2 * EARLY_BYTES)
ERROR_GROWTH = (LATE_ERROR + USUAL_GROWTH * EARLY_ERROR) / (2 * EARLY_ERROR)


def piece(frames: int, late_bytes: float = LATE_BYTES) -> _CodedPiece:
    """Without B-frames, at quality 32; its I-frame at 48."""
    costs = [
        _Costs(KEY_BYTES, KEY_ERROR, 0.0, 48)
        if place == 0
        else _Costs(EARLY_BYTES, EARLY_ERROR, 0.0, 32)
        if place < PIECE_FRAMES
        else _Costs(late_bytes, LATE_ERROR, 0.0, 32)
        for place in range(frames)
    ]
    return _CodedPiece(tuple(costs), tuple(range(frames)), (True,) * frames, 0)


PIECES = [piece(LONG_PIECE_FRAMES), piece(PIECE_FRAMES)]


@pytest.mark.parametrize(
    ("frames", "keys", "early", "late"),
    [(64, 2, 16, 46), (80, 3, 24, 53), (65, 3, 16, 46), (32 * 1000, 1000, 8000, 23000)],
)
def test_every_gop_has_an_i_frame_and_the_last_may_be_short(
    frames: int, keys: int, early: int, late: int
) -> None:
    mean = _mean_of_video(PIECES, gop=32, frames=frames, refresh_quality=32)
    size = keys * KEY_BYTES + (early + late * GROWTH) * EARLY_BYTES
    error = keys * KEY_ERROR + (early + late * ERROR_GROWTH) * EARLY_ERROR
    assert mean.size_bytes * frames == pytest.approx(size)
    assert mean.error * frames == pytest.approx(error)


def test_short_gops_have_no_late_frames() -> None:
    mean = _mean_of_video([piece(4)] * 3, gop=4, frames=70, refresh_quality=32)
    assert mean.size_bytes * 70 == pytest.approx(18 * KEY_BYTES + 52 * EARLY_BYTES)


def test_growth_is_that_of_all_long_pieces_and_of_the_usual_one() -> None:
    """A piece with a change in it counts as it does in the video, and one piece alone is not believed."""
    pieces = [piece(LONG_PIECE_FRAMES, 900.0), piece(LONG_PIECE_FRAMES, 110.0)]
    mean = _mean_of_video(pieces, gop=32, frames=32, refresh_quality=32)
    late = (900 + 110 + 110) / 3
    assert mean.size_bytes * 32 == pytest.approx(1000 + 8 * 100 + 23 * late)


def test_pictures_without_error_do_not_grow() -> None:
    still = _CodedPiece((_Costs(10.0, 0.0, 0.0, 63),) * 17, tuple(range(17)), (True,) * 17, 0)
    assert _mean_of_video([still], gop=32, frames=100, refresh_quality=63).error == 0


def test_better_p_frames_are_as_much_larger_as_is_usual() -> None:
    plain, better = (
        _mean_of_video(PIECES, gop=64, frames=640, refresh_quality=quality).size_bytes * 640
        for quality in (32, 44)
    )
    assert better > plain
    assert better - plain == pytest.approx(10 * EARLY_BYTES * (2 ** (P_FRAME_DOUBLINGS * 12) - 1))


@pytest.mark.slow
def test_stream_with_b_frames_is_predicted(synthetic: ModuleType, tmp_path: Path) -> None:
    """Two GOPs and a half, at which the encoder's plans differ from those in the sample."""
    y, x = np.mgrid[:96, :112]
    noise, frames = np.random.default_rng(1), []
    for number in range(80):
        gray = 128 + 50 * np.sin((x + number) / 5) + 40 * np.cos(y / 7 + (x + number) / 11)
        gray = (gray + noise.normal(0, 4, gray.shape)).clip(0, 255).astype(np.uint8)
        frames.append(np.stack([gray] * 3))
    clip = synthetic.write_clip(
        tmp_path / "pan.mkv", frames, codec="ffv1", time_base=Fraction(1, 1000)
    )
    coded = streamcodec.encode(clip, tmp_path / "pan.ssf", quality=32, psnr=True)
    types = [frame.type for frame in streamcodec.open(tmp_path / "pan.ssf")]
    assert types.count("I") == 3
    assert types.count("B") > 20
    (predicted,) = streamcodec.search(clip, qualities=[32]).predictions
    assert predicted.size_bytes == pytest.approx(coded.size_bytes, rel=0.15)
    assert predicted.psnr_db == pytest.approx(coded.psnr_db, abs=0.4)
    plain = streamcodec.encode(clip, io.BytesIO(), quality=32, b_frames=0)
    (predicted,) = streamcodec.search(clip, qualities=[32], b_frames=0).predictions
    assert predicted.size_bytes == pytest.approx(plain.size_bytes, rel=0.1)
