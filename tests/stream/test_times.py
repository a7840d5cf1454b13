"""Where decoded files begin, and pauses that a container cannot store in fine ticks."""

import io
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

import streamcodec
from streamcodec.cli import run
from streamcodec.container import Writer
from streamcodec.errors import FrameIndexError, OutputError
from streamcodec.types import RawFrame, VideoFormat
from streamcodec.video import VideoReader, VideoWriter, storable_time_base
from streamcodec.video.times.timing import MAX_STEP, Ticks

DATA = Path(__file__).parents[1] / "data"
CLOCK = Fraction(7_000_000_000, 90_000)  # of late_clock.ts, in seconds


def seconds_of(path: Path) -> list[Fraction]:
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


@pytest.fixture
def late(tmp_path: Path, tiny_models: dict[str, str]) -> Path:
    path = tmp_path / "late.ssf"
    streamcodec.encode(DATA / "late_clock.ts", path, **tiny_models)
    return path


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_a_decoded_file_begins_at_zero(suffix: str, late: Path, tmp_path: Path) -> None:
    out = tmp_path / f"a{suffix}"
    streamcodec.decode(late, out)
    times = seconds_of(out)
    assert times[0] == 0
    assert float(times[-1]) == pytest.approx(0.96, abs=1e-3)
    with av.open(str(out)) as container:
        assert (container.start_time or 0) == 0
        assert container.duration / 1e6 == pytest.approx(1.0, abs=0.05)


def test_a_range_begins_at_zero_too(late: Path, tmp_path: Path) -> None:
    streamcodec.decode(late, tmp_path / "a.mp4", start_seconds=0.4, duration_seconds=0.2)
    assert seconds_of(tmp_path / "a.mp4") == [Fraction(number, 25) for number in range(5)]


def test_the_offset_is_kept_in_the_stream_and_where_it_is_wanted(
    late: Path, tmp_path: Path
) -> None:
    with streamcodec.open(late) as video:
        assert video[0].pts == 7_000_000_000
        assert video.frame_at_seconds(float(CLOCK) + 0.5).index == 12
        with pytest.raises(
            FrameIndexError,
            match=r"time is 0\.5 s; the stream is shown from 77777\.77\d{,4} s to 77778\.77\d{,4} s",
        ):
            video.frame_at_seconds(0.5)
    assert run(["decode", str(late), str(tmp_path / "a.mp4"), "--keep-offset"]) == 0
    assert seconds_of(tmp_path / "a.mp4")[0] == CLOCK


def test_a_wrong_time_is_repaired_and_said(tmp_path: Path, tiny_models: dict[str, str]) -> None:
    out = tmp_path / "a.ssf"
    report = streamcodec.encode(DATA / "time_outlier.mkv", out, **tiny_models)
    assert report.frames == 30
    assert report.duration_seconds == pytest.approx(1.2)
    assert (
        "the time 10800.48 s did not fit the frames around and was put between them" in report.notes
    )
    streamcodec.decode(out, tmp_path / "a.mp4")
    assert seconds_of(tmp_path / "a.mp4") == [Fraction(number, 25) for number in range(30)]


def write_stream(path: Path, times: list[int], time_base: Fraction, models: dict[str, str]) -> None:
    video = VideoFormat(32, 32, time_base, frame_rate=Fraction(25))
    encoder = streamcodec.Encoder(video, streamcodec.EncodeOptions(**models))
    with path.open("wb") as file:
        writer = Writer(file, encoder.header)
        for number, pts in enumerate(times):
            last = times[-1] - times[-2]
            duration = times[number + 1] - pts if number + 1 < len(times) else last
            picture = np.full((3, 32, 32), 20 * number, np.uint8)
            for packet in encoder.push(picture, pts=pts, duration=duration):
                writer.write(packet)
        for packet in encoder.flush():
            writer.write(packet)
        writer.finish()


PAUSES = {
    "nanoseconds": (Fraction(1, 10**9), [0, 40_000_000, 80_000_000, 3_080_000_000, 3_120_000_000]),
    "odd nanoseconds": (
        Fraction(1, 10**9),
        [7, 40_000_003, 80_000_001, 9_080_000_000, 9_120_000_000],
    ),
    "at the limit": (Fraction(1, 90_000), [0, 3600, 3600 + 2**31, 7200 + 2**31]),
    "just below": (Fraction(1, 90_000), [0, 3600, 3600 + 2**31 - 1, 7199 + 2**31]),
    "beyond all": (Fraction(1, 90_000), [0, 3601, 3601 + 2**37, 7202 + 2**37]),
    "several ticks a second": (Fraction(1001, 30_000), [0, 1, 2, 2 + 2**22, 3 + 2**22]),
}


@pytest.mark.parametrize("kind", PAUSES)
@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_a_long_pause_is_stored_in_coarser_ticks(
    kind: str, suffix: str, tmp_path: Path, tiny_models: dict[str, str]
) -> None:
    time_base, times = PAUSES[kind]
    stream, out = tmp_path / "a.ssf", tmp_path / f"a{suffix}"
    write_stream(stream, times, time_base, tiny_models)
    report = streamcodec.decode(stream, out)
    wanted = [(pts - times[0]) * time_base for pts in times]
    fitting, exact = storable_time_base(
        time_base, [(first, second - first) for first, second in pairwise(times)]
    )
    found = seconds_of(out)
    assert len(found) == len(wanted)
    for have, want in zip(found, wanted, strict=True):
        assert abs(have - want) <= (0 if exact else fitting)
    assert any("times are rounded to" in note for note in report.notes) is not exact


def test_the_case_that_failed_after_all_the_work(
    tmp_path: Path, tiny_models: dict[str, str]
) -> None:
    stream = tmp_path / "a.ssf"
    streamcodec.encode(DATA / "ns_pause.nut", stream, **tiny_models)
    for source in (stream, stream.read_bytes(), io.BytesIO(stream.read_bytes())):
        out = tmp_path / "a.mp4"
        assert streamcodec.decode(source, out, overwrite=True).notes == ()
        assert [float(time) for time in seconds_of(out)] == [0.0, 0.04, 0.08, 2.3, 2.34]


def test_a_pause_that_comes_as_a_surprise_fails_at_once(tmp_path: Path) -> None:
    video = VideoFormat(32, 32, Fraction(1, 10**9))
    frame = np.zeros((3, 32, 32), np.uint8)
    with (
        pytest.raises(
            OutputError,
            match=r"cannot store a pause of 5\.0 s in ticks of 1/1000000000 s; accepted: up to 2\.1 s",
        ),
        VideoWriter(tmp_path / "a.mp4", video) as writer,
    ):
        writer.write(RawFrame((frame,), 0, 40_000_000))
        writer.write(RawFrame((frame,), 5_000_000_000, 40_000_000))
    assert list(tmp_path.iterdir()) == []


def test_ticks_rise_and_keep_durations() -> None:
    ticks = Ticks(Fraction(1, 1000), Fraction(1, 10))
    assert [ticks.of(pts, 1) for pts in (5, 6, 7, 400)] == [(0, 1), (1, 1), (2, 1), (4, 1)]
    assert Ticks(Fraction(1, 9), Fraction(1, 9)).of(5, 0) == (5, 0)
    assert MAX_STEP == 2147483647


def test_a_late_video_that_is_read_again_has_its_times(tmp_path: Path, late: Path) -> None:
    streamcodec.decode(late, tmp_path / "a.mkv", keep_offset=True)
    with VideoReader(tmp_path / "a.mkv") as reader:
        assert float(next(reader).pts * reader.format.time_base) == pytest.approx(
            float(CLOCK), abs=1e-3
        )
