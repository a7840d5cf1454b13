"""Damaged sources: the same frames on every machine, all that are sound, and before the damage exactly those."""

import io
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from streamcodec.errors import SourceError
from streamcodec.types import OnError
from streamcodec.video import VideoReader

DATA = Path(__file__).parents[1] / "data"
STEP = 512  # ticks of the cases' frames


def frames_of(
    source: object, on_error: OnError, threads: int | None
) -> dict[int, NDArray[np.uint8]]:
    with VideoReader(source, frame_format="yuv420", on_error=on_error, threads=threads) as reader:
        frames = {frame.pts: frame.planes[0] for frame in reader}
        assert reader.damage is not None
    return frames


def same(first: dict[int, NDArray[np.uint8]], second: dict[int, NDArray[np.uint8]]) -> bool:
    return list(first) == list(second) and all(
        np.array_equal(first[pts], second[pts]) for pts in first
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "before", "sound"),
    [
        # frame 36 is damaged, 34 and 35 are displayed before it and predicted from it
        ("damaged.mp4", range(34), [*range(36), *range(37, 120)]),
        ("damaged_late.mp4", range(105), [*range(105), 107, 108, *range(110, 120)]),
        ("cut_fragment.mp4", range(2, 33), [*range(2, 33)]),
    ],
)
@pytest.mark.parametrize("threads", [None, 1, 2, 3, 16])
def test_the_same_frames_with_any_number_of_threads(
    name: str, before: range, sound: list[int], threads: int | None
) -> None:
    alone = frames_of(DATA / name, "skip", 1)
    assert list(alone) == [STEP * number for number in sound]
    assert same(frames_of(DATA / name, "skip", threads), alone)
    stopped = frames_of(DATA / name, "stop", threads)
    assert same(stopped, {STEP * number: alone[STEP * number] for number in before})
    count = 0
    with (
        VideoReader(DATA / name, threads=threads) as reader,
        pytest.raises(SourceError, match=rf"damaged after {len(before)} frames"),
    ):
        for _ in reader:
            count += 1
    assert count == len(before)


def test_a_file_object_gives_them_too() -> None:
    data = (DATA / "damaged.mp4").read_bytes()
    assert same(
        frames_of(io.BytesIO(data), "skip", 16), frames_of(DATA / "damaged.mp4", "skip", None)
    )


def damage_packet(path: Path, number: int) -> None:
    """Spoil the inside of one packet of the video, counted in decoding order."""
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        place, size = packets[number].pos, packets[number].size
    data = bytearray(path.read_bytes())
    kept = min(24, size // 2)
    noise = np.random.default_rng(number).integers(0, 256, size - kept).astype(np.uint8)
    data[place + kept : place + size] = noise.tobytes()
    path.write_bytes(data)


@pytest.mark.parametrize("bf", ["0", "3"])
@pytest.mark.parametrize("number", [7, 20, 33, 41])
@pytest.mark.parametrize("threads", [1, 5])
def test_what_comes_before_the_damage_is_sound_and_whole(
    bf: str, number: int, threads: int, tmp_path: Path, synthetic: ModuleType
) -> None:
    path = synthetic.write_clip(tmp_path / "a.mp4", 50, options={"g": "10", "bf": bf})
    with VideoReader(path, frame_format="yuv420") as reader:
        whole = {frame.pts: frame.planes[0] for frame in reader}
    with av.open(str(path)) as container:
        order = [packet.pts for packet in container.demux(video=0) if packet.size]
    damage_packet(path, number)
    stopped = frames_of(path, "stop", threads)
    first_lost = min(order[number:])
    assert list(stopped) == [pts for pts in whole if pts < first_lost]
    assert all(np.array_equal(stopped[pts], whole[pts]) for pts in stopped)
    skipped = frames_of(path, "skip", threads)
    next_key = min(
        (pts for pts in whole if pts > order[number] and (pts // 3000) % 10 == 0), default=10**9
    )
    sound = [pts for pts in whole if pts < first_lost or pts >= next_key]
    assert set(sound) <= set(skipped)
    assert all(np.array_equal(skipped[pts], whole[pts]) for pts in sound)


class Breaking:
    """A connection that breaks off."""

    name = "connection"

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        if not data:
            raise ConnectionError("the other side went away")
        return data


def test_a_file_object_that_breaks_off(tmp_path: Path, synthetic: ModuleType) -> None:
    data = synthetic.write_clip(tmp_path / "a.ts", 40).read_bytes()
    half = data[: len(data) // 188 // 2 * 188]
    with (
        VideoReader(Breaking(half)) as reader,
        pytest.raises(SourceError, match=r"damaged after \d+ frames .*the other side went away"),
    ):
        list(reader)
    with VideoReader(Breaking(half), on_error="stop") as reader:
        assert 5 < len(list(reader)) < 40


@pytest.mark.parametrize("on_error", ["raise", "stop", "skip"])
@pytest.mark.parametrize(
    ("codec", "name"),
    [
        ("libvpx-vp9", "a.webm"),
        ("libvpx", "a.webm"),
        ("libx264", "a.mkv"),
        ("libx264", "a.mp4"),
        ("mpeg2video", "a.mkv"),
        ("mpeg4", "a.mkv"),
        ("mpeg4", "a.avi"),
    ],
)
def test_videos_that_begin_between_key_frames(
    synthetic: ModuleType, tmp_path: Path, codec: str, name: str, on_error: OnError
) -> None:
    """As recordings of broadcasts do: they begin with the first key frame, whatever the codec."""
    whole = synthetic.write_clip(
        tmp_path / f"whole{Path(name).suffix}",
        24,
        codec=codec,
        options={"g": "10", "bf": "0", "auto-alt-ref": "0"}
        if codec.startswith("libvpx")
        else {"g": "10", "bf": "0"},
        time_base=Fraction(1, 25),
        rate=Fraction(25),
    )
    with av.open(str(whole)) as old, av.open(str(tmp_path / name), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for number, packet in enumerate(old.demux(video=0)):
            if number >= 4 and packet.size:
                packet.stream = stream
                new.mux(packet)
    with VideoReader(whole) as reader:
        expected = list(reader)[10:]
    with VideoReader(tmp_path / name, on_error=on_error) as reader:
        frames = list(reader)
        assert reader.damage is None
        noted = any("begins between key frames" in note for note in reader.notes)
    assert len(frames) == len(expected) == 14
    for frame, other in zip(frames, expected, strict=True):
        assert np.array_equal(frame.planes[0], other.planes[0])
    assert noted or codec in ("libx264", "mpeg2video")  # whose decoders leave it out by themselves
