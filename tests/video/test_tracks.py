"""Which of several video tracks is taken, and what is said of it."""

from fractions import Fraction
from pathlib import Path
from types import ModuleType

import av
import numpy as np
import pytest
from av.stream import Disposition

from streamcodec.errors import SourceError, UsageError
from streamcodec.video import VideoReader
from streamcodec.video.source import tracks

DATA = Path(__file__).parents[1] / "data"


def write_tracks(path: Path, sizes: list[tuple[int, int, Disposition]], frames: int = 4) -> Path:
    """Flat grey videos of these (width, height, disposition); the number of the track times 40 is its grey."""
    with av.open(str(path), "w") as output:
        streams = []
        for width, height, disposition in sizes:
            stream = output.add_stream("libx264", rate=25, options={"qp": "10"})
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.time_base = Fraction(1, 25)
            stream.disposition = disposition
            streams.append(stream)
        for pts in range(frames):
            for number, stream in enumerate(streams):
                picture = np.full((stream.height, stream.width, 3), 40 + 40 * number, np.uint8)
                frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format="yuv420p")
                frame.pts, frame.time_base = pts, Fraction(1, 25)
                output.mux(stream.encode(frame))
        for stream in streams:
            output.mux(stream.encode(None))
    return path


NONE, DEFAULT = Disposition(0), Disposition.default
ATTACHED, THUMBNAILS = Disposition.attached_pic, Disposition.timed_thumbnails
DEPENDENT = Disposition.dependent


@pytest.mark.parametrize(
    ("sizes", "chosen"),
    [
        ([(48, 32, NONE), (128, 96, DEFAULT)], 1),
        ([(48, 32, DEFAULT), (128, 96, NONE)], 0),
        ([(48, 32, NONE), (128, 96, NONE)], 1),
        ([(48, 32, DEFAULT), (128, 96, DEFAULT), (64, 64, DEFAULT)], 1),
        ([(64, 64, DEFAULT), (64, 64, DEFAULT)], 0),
    ],
)
def test_the_track_that_players_choose_is_taken(
    sizes: list[tuple[int, int, Disposition]], chosen: int, tmp_path: Path
) -> None:
    path = write_tracks(tmp_path / "a.mkv", sizes)
    with VideoReader(path) as reader:
        frames = list(reader)
        assert (reader.format.width, reader.format.height) == sizes[chosen][:2]
        [note] = reader.notes
    assert f"it has {len(sizes)} video tracks: 0 (h264 " in note
    assert f"track {chosen} was taken; --video-track" in note
    assert len(frames) == 4
    assert abs(frames[0].planes[0].mean() - (40 + 40 * chosen)) < 3


@pytest.mark.parametrize("serving", [ATTACHED, ATTACHED | THUMBNAILS, DEPENDENT | DEFAULT])
def test_a_track_that_serves_another_is_passed_over(serving: Disposition, tmp_path: Path) -> None:
    """Few muxers write these marks, so they are put on here."""
    path = write_tracks(tmp_path / "a.mkv", [(128, 96, NONE), (48, 32, NONE)])
    with av.open(str(path)) as container:
        container.streams.video[0].disposition = serving
        chosen = tracks.choose_track(container, "a.mkv")
        assert chosen.stream.index == 1
        assert chosen.note is None


def test_only_serving_tracks_are_no_video(tmp_path: Path) -> None:
    path = write_tracks(tmp_path / "a.mkv", [(48, 32, NONE), (48, 32, NONE)])
    with av.open(str(path)) as container:
        for stream in container.streams.video:
            stream.disposition = DEPENDENT
        with pytest.raises(SourceError, match="no picture in one piece, only 2 tiles"):
            tracks.choose_track(container, "a.mkv")


def test_a_track_is_taken_by_its_number(tmp_path: Path) -> None:
    path = write_tracks(tmp_path / "a.mp4", [(48, 32, NONE), (128, 96, DEFAULT), (64, 48, NONE)])
    for number, size in enumerate([(48, 32), (128, 96), (64, 48)]):
        with VideoReader(path, video_track=number) as reader:
            frame = next(reader)
            assert frame.size == size
            assert abs(frame.planes[0].mean() - (40 + 40 * number)) < 3
            assert reader.notes == ()


@pytest.mark.parametrize(("number", "words"), [(3, "has 3 video tracks"), (-1, "0 or more")])
def test_a_track_that_is_not_there_fails(number: int, words: str, tmp_path: Path) -> None:
    path = write_tracks(tmp_path / "a.mp4", [(48, 32, NONE), (128, 96, DEFAULT), (64, 48, NONE)])
    with pytest.raises(UsageError, match=words):
        VideoReader(path, video_track=number)


def test_a_moving_track_goes_before_the_still_one_beside_it() -> None:
    with VideoReader(DATA / "animation.avif") as reader:
        frames = list(reader)
        assert "0 (libdav1d 96x64, default, still)" in reader.notes[0]
    assert len(frames) == 6
    assert all(not np.array_equal(frames[0].planes[0], frame.planes[0]) for frame in frames[1:])
    with VideoReader(DATA / "animation.avif", video_track=0) as reader:
        assert len(list(reader)) == 1


def test_the_best_variant_of_a_playlist_is_taken(tmp_path: Path, synthetic: ModuleType) -> None:
    lines = ["#EXTM3U"]
    for width, height in ((48, 32), (192, 128), (96, 64)):
        synthetic.write_clip(tmp_path / f"{width}.ts", 12, size=(width, height))
        (tmp_path / f"{width}.m3u8").write_text(
            f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.4,\n{width}.ts\n#EXT-X-ENDLIST\n"
        )
        lines += [
            f"#EXT-X-STREAM-INF:BANDWIDTH={1000 * width},RESOLUTION={width}x{height}",
            f"{width}.m3u8",
        ]
    path = tmp_path / "master.m3u8"
    path.write_text("\n".join(lines) + "\n")
    with VideoReader(path) as reader:
        assert (reader.format.width, reader.format.height) == (192, 128)
        assert len(list(reader)) == 12
        assert "track 1 was taken" in reader.notes[0]
