import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import streamcodec
from streamcodec.errors import SourceError, UsageError
from streamcodec.stream.control.target import Measure, Target
from streamcodec.stream.search.predict import Prediction
from streamcodec.stream.search.sample import take_sample
from streamcodec.stream.search.search import find_quality
from streamcodec.stream.source import SourceRange
from streamcodec.video import VideoReader

pytestmark = pytest.mark.slow

COUNT = 68
SIZE = (48, 32)


@pytest.fixture(scope="session")
def long_clip(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MP4 of 68 frames, 48x32, 30 frames per second: too long to be taken whole."""
    path: Path = synthetic.write_clip(
        tmp_path_factory.mktemp("clips") / "long.mp4", COUNT, size=SIZE
    )
    return path


@pytest.fixture(scope="session")
def short_clip(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """6 frames, likewise."""
    path: Path = synthetic.write_clip(tmp_path_factory.mktemp("clips") / "short.mp4", 6, size=SIZE)
    return path


def curved(quality: int) -> Prediction:
    """Bends as the curves of real videos do: the dB of a step rise, its share of bits falls."""
    psnr_db = 29 + 0.24 * quality + 0.0015 * quality**2
    bpp = 0.047 * 2 ** (0.147 * quality - 0.00075 * quality**2)
    return Prediction(quality, 100, round(bpp * 1e6), bpp, 1000 * bpp, psnr_db, 1.0)


def straight(quality: int) -> Prediction:
    return Prediction(
        quality,
        100,
        0,
        0.01 * 2 ** (quality / 10),
        100 * 2 ** (quality / 10),
        20 + quality / 4,
        1.0,
    )


def stepped(quality: int) -> Prediction:
    """Hardly any line at all."""
    return Prediction(quality, 100, 0, 1 + (quality > 41), 1.0, 30.0 + (quality > 12), 1.0)


def brute_force(target: Target, curve: Callable[[int], Prediction]) -> int:
    met = [quality for quality in range(64) if target.is_met(curve(quality))]
    return target.limit if not met else min(met) if target.is_floor else max(met)


TARGETS: list[tuple[Measure, list[float]]] = [
    ("psnr_db", [10, 20, 20.1, 30, 30.5, 31, 33.3, 34.75, 37, 60]),
    ("bpp", [0.001, 0.01, 0.02, 0.049, 0.05, 0.0721, 0.1, 0.3, 0.7, 1, 2, 9]),
    ("kbit_per_second", [1, 100, 101, 400, 1e6]),
]


@pytest.mark.parametrize("curve", [curved, straight, stepped])
@pytest.mark.parametrize(("measure", "values"), TARGETS)
def test_search_finds_what_trying_all_finds(
    curve: Callable[[int], Prediction], measure: Measure, values: list[float]
) -> None:
    for value in values:
        tried: list[int] = []

        def at(quality: int, tried: list[int] = tried) -> Prediction:
            tried.append(quality)
            return curve(quality)

        target = Target(measure, value)
        assert find_quality(target, at).quality == brute_force(target, curve)
        assert len(set(tried)) <= (5 if curve is not stepped else 10)


def test_identical_pictures_do_not_confuse_the_search() -> None:
    def perfect(quality: int) -> Prediction:
        return Prediction(quality, 1, 1, 0.0, 0.0, float("inf") if quality > 5 else 40.0, 1.0)

    assert find_quality(Target("psnr_db", 50), perfect).quality == 6
    assert find_quality(Target("bpp", 1), perfect).quality == 63


def test_prediction_from_a_whole_video_is_exact(
    short_clip: Path, tiny_models: dict[str, str]
) -> None:
    report = streamcodec.search(short_clip, qualities=[40, 3, 40], gop=4, **tiny_models)
    assert [prediction.quality for prediction in report.predictions] == [3, 40]
    assert (report.sampled_frames, report.frames, report.found, report.target) == (6, 6, None, None)
    for prediction in report.predictions:
        coded = streamcodec.encode(
            short_clip, io.BytesIO(), quality=prediction.quality, gop=4, psnr=True, **tiny_models
        )
        assert prediction.size_bytes == coded.size_bytes
        assert prediction.bpp == pytest.approx(coded.bpp)
        assert prediction.kbit_per_second == pytest.approx(coded.kbit_per_second)
        assert prediction.psnr_db == pytest.approx(coded.psnr_db)
        assert prediction.seconds > 0


def test_prediction_from_a_sample_is_near(long_clip: Path, tiny_models: dict[str, str]) -> None:
    """As near as it can be with untrained models, whose P-frames grow along a GOP."""
    done: list[tuple[int, int | None]] = []
    report = streamcodec.search(
        long_clip,
        qualities=[30],
        gop=16,
        progress=lambda *numbers: done.append(numbers),
        **tiny_models,
    )
    (predicted,) = report.predictions
    coded = streamcodec.encode(
        long_clip, io.BytesIO(), quality=30, gop=16, psnr=True, **tiny_models
    )
    assert predicted.frames == coded.frames == COUNT
    assert predicted.size_bytes == pytest.approx(coded.size_bytes, rel=0.2)
    assert predicted.kbit_per_second == pytest.approx(coded.kbit_per_second, rel=0.2)
    assert predicted.psnr_db == pytest.approx(coded.psnr_db, abs=0.5)
    assert done == [(frames + 1, 41) for frames in range(41)]


def test_sample_is_spread_over_the_part(long_clip: Path) -> None:
    sample = take_sample(long_clip, SourceRange(), gop=32, frame_format="yuv420")
    assert sample is not None
    assert [len(piece) for piece in sample.pieces] == [17, 9, 17]
    firsts = [piece[0].pts * sample.video.time_base * 30 for piece in sample.pieces]
    assert firsts == pytest.approx([3, 30, 49], abs=1)
    assert sample.duration_seconds == pytest.approx(COUNT / 30)
    part = take_sample(
        long_clip, SourceRange(start_seconds=1, max_frames=5), gop=32, frame_format="yuv420"
    )
    assert part is not None
    assert (part.is_whole, part.frames, part.pieces[0][0].pts * part.video.time_base) == (
        True,
        5,
        1,
    )
    short = take_sample(long_clip, SourceRange(), gop=1, frame_format="yuv420")
    assert short is not None
    assert [len(piece) for piece in short.pieces] == [1, 1, 1]


def test_scene_cuts_are_counted(
    synthetic: ModuleType, tiny_models: dict[str, str], tmp_path: Path
) -> None:
    scenes = [
        synthetic.moving_frame(number, *SIZE, seed=number // 5) // (1 + number // 5 % 2)
        for number in range(COUNT)
    ]
    cuts = synthetic.write_clip(
        tmp_path / "cuts.mkv", scenes, codec="ffv1", time_base=Fraction(1, 1000)
    )
    coded = streamcodec.encode(cuts, io.BytesIO(), quality=30, psnr=True, **tiny_models)
    assert coded.gops == 14
    (predicted,) = streamcodec.search(cuts, qualities=[30], **tiny_models).predictions
    assert predicted.size_bytes == pytest.approx(coded.size_bytes, rel=0.1)


def test_damage_is_left_out_of_the_sample(long_clip: Path, tmp_path: Path) -> None:
    data = bytearray(long_clip.read_bytes())
    data[len(data) // 3 : len(data) // 3 + 400] = bytes(400)
    (tmp_path / "bad.mp4").write_bytes(data)
    sample = take_sample(tmp_path / "bad.mp4", SourceRange(), gop=32, frame_format="yuv420")
    assert 0 < sample.sampled_frames <= 43


@pytest.mark.parametrize("count", [12, 90])
@pytest.mark.parametrize("kind", ["h264", "apng"])
def test_sources_that_do_not_tell_their_length_are_searched(
    synthetic: ModuleType, tiny_models: dict[str, str], tmp_path: Path, kind: str, count: int
) -> None:
    codec = {"h264": {}, "apng": {"codec": "apng", "pixel_format": "rgb24"}}[kind]
    raw = synthetic.write_clip(
        tmp_path / f"clip.{kind}",
        count,
        size=SIZE,
        container=kind,
        time_base=Fraction(1, 30),
        **codec,
    )
    with VideoReader(raw, frame_format="yuv420") as reader:
        frames = list(reader)
    sample = take_sample(raw, SourceRange(), gop=32, frame_format="yuv420")
    assert sample.frames == len(frames) == count
    assert sample.is_whole == (count == 12)
    firsts = [frame.pts for frame in frames]
    for piece in sample.pieces:
        first = firsts.index(piece[0].pts)
        for taken, frame in zip(piece, frames[first:], strict=False):
            assert all(
                np.array_equal(*pair) for pair in zip(taken.planes, frame.planes, strict=True)
            )
    goal = streamcodec.search(raw, target_psnr_db=30.0, **tiny_models)
    assert goal.found is not None
    report = streamcodec.encode(raw, io.BytesIO(), target_psnr_db=30.0, **tiny_models)
    assert report.quality == goal.found.quality


def test_what_cannot_be_sampled_fails(
    short_clip: Path, tiny_models: dict[str, str], tmp_path: Path
) -> None:
    for source in ("-", tmp_path / "missing.mp4", tmp_path):
        with pytest.raises(UsageError, match="existing video file"):
            streamcodec.search(source, **tiny_models)
    (tmp_path / "text.mp4").write_text("This is no video.")
    with pytest.raises(SourceError, match=r"text\.mp4"):
        streamcodec.search(tmp_path / "text.mp4", **tiny_models)
    with pytest.raises(UsageError, match="one of the two"):
        streamcodec.search(short_clip, qualities=[3], target_bpp=1.0, **tiny_models)
    with pytest.raises(UsageError, match="quality is 64"):
        streamcodec.search(short_clip, qualities=[64], **tiny_models)
    with pytest.raises(UsageError, match="qualities are 5; accepted"):
        streamcodec.search(short_clip, qualities=5, **tiny_models)


def test_encode_takes_the_quality_found(short_clip: Path, tiny_models: dict[str, str]) -> None:
    known = {
        q: streamcodec.encode(short_clip, io.BytesIO(), quality=q, **tiny_models).bpp
        for q in (20, 40)
    }
    outs = [io.BytesIO(), io.BytesIO()]
    searched: list[tuple[int, int | None]] = []
    for out in outs:
        report = streamcodec.encode(
            short_clip,
            out,
            target_bpp=(known[20] + known[40]) / 2,
            search_progress=lambda *numbers: searched.append(numbers),
            **tiny_models,
        )
    assert outs[0].getvalue() == outs[1].getvalue()
    assert report.quality is not None
    assert 20 <= report.quality < 40
    assert report.search is not None
    assert report.search.reached
    assert report.search.found is not None
    assert report.search.found.size_bytes == report.size_bytes
    assert len(searched) == 2 * 6 * len(report.search.predictions)
    assert streamcodec.open(outs[0].getvalue()).metadata.quality == report.quality
    assert report.shortfall is None


@pytest.mark.parametrize(
    ("target", "quality", "said"),
    [
        (
            {"target_psnr_db": 90.0},
            63,
            "90.00 dB PSNR is out of reach: quality 63, the highest, gives",
        ),
        ({"target_bpp": 0.0001}, 0, "0.0001 bpp is out of reach: quality 0, the lowest, gives"),
        ({"target_kbit_per_second": 1.0}, 0, "1 kbit/s is out of reach"),
    ],
)
def test_target_out_of_reach(
    short_clip: Path, tiny_models: dict[str, str], target: dict[str, float], quality: int, said: str
) -> None:
    report = streamcodec.encode(short_clip, io.BytesIO(), **target, **tiny_models)
    assert report.quality == quality
    assert report.shortfall is not None
    assert said in report.shortfall
    found = streamcodec.search(short_clip, **target, **tiny_models)
    assert not found.reached
    assert found.shortfall is not None
    assert said in found.shortfall


def test_target_below_the_lowest_or_above_the_highest_is_met(
    short_clip: Path, tiny_models: dict[str, str]
) -> None:
    for target, quality in (({"target_psnr_db": 1.0}, 0), ({"target_bpp": 50.0}, 63)):
        report = streamcodec.search(short_clip, **target, **tiny_models)
        assert report.found is not None
        assert (report.found.quality, report.reached, report.shortfall) == (quality, True, None)
