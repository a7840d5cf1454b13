"""`fps`: a constant frame rate by repeating and leaving out frames."""

from fractions import Fraction
from pathlib import Path
from types import ModuleType

import av
import numpy as np
import pytest
from av.filter import Graph

import streamcodec
from streamcodec import parts
from streamcodec.checks import check_fps
from streamcodec.cli import run
from streamcodec.container import Packet, PacketType, Reader
from streamcodec.errors import UsageError
from streamcodec.video import VideoReader
from streamcodec.video.times.constant import at_constant_rate, nearest
from support.sounding import Sound, Sounding, write_sounding

TICKS = (0, 40, 80, 90, 130, 300, 310, 315, 700, 741, 760, 1000)  # ms, at a variable rate
RATES = ("25", "30000/1001", "10", "60", "7/2")


@pytest.fixture(scope="session")
def source(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 frames of 96x64 at a variable rate, the first of them a key frame, and the seventh."""
    path: Path = synthetic.write_clip(
        tmp_path_factory.mktemp("fps") / "vfr.mkv",
        len(TICKS),
        time_base=Fraction(1, 1000),
        pts=TICKS,
        options={"g": "6", "qp": "4"},
    )
    return path


def by_ffmpeg(source: Path, rate: str) -> list[tuple[int, bytes]]:
    """(time in ticks of 1 / rate, luma) of the frames that FFmpeg's filter gives."""
    found = []
    with av.open(str(source)) as container:
        stream = container.streams.video[0]
        graph = Graph()
        ends = [graph.add_buffer(template=stream), graph.add("fps", rate), graph.add("buffersink")]
        graph.link_nodes(*ends).configure()

        def drain() -> None:
            while True:
                try:
                    frame = graph.pull()
                except (BlockingIOError, EOFError):
                    return
                assert isinstance(frame, av.VideoFrame)
                assert frame.time_base == 1 / Fraction(rate)
                found.append((frame.pts, frame.to_ndarray(format="gray").tobytes()))

        for decoded in container.decode(stream):
            graph.push(decoded)
            drain()
        graph.push(None)
        drain()
    return found


@pytest.mark.parametrize("rate", RATES)
def test_frames_are_those_of_ffmpegs_filter(source: Path, rate: str) -> None:
    with VideoReader(source, frame_format="yuv420", fps=rate) as reader:
        assert reader.format.time_base == 1 / Fraction(rate)
        assert reader.format.frame_rate == Fraction(rate)
        ours = [(frame.pts, frame.planes[0].tobytes()) for frame in reader]
    theirs = by_ffmpeg(source, rate)
    assert [pts for pts, _ in ours[: len(theirs)]] == [pts for pts, _ in theirs]
    with VideoReader(source, frame_format="yuv420") as reader:
        lumas = [frame.planes[0].tobytes() for frame in reader]
    for number, (pts, luma) in enumerate(ours):
        begun = [
            at for at, tick in enumerate(TICKS) if nearest(tick * Fraction(rate) / 1000) <= pts
        ]
        assert luma == lumas[begun[-1]], f"frame {number}"


@pytest.mark.parametrize("rate", RATES)
def test_seeking_gives_the_same_frames(source: Path, rate: str) -> None:
    with VideoReader(source, frame_format="yuv420", fps=rate) as reader:
        whole = {frame.pts: frame.planes[0].tobytes() for frame in reader}
    for start in (0, 3, max(whole)):
        with VideoReader(source, frame_format="yuv420", fps=rate, start_pts=start) as reader:
            found = {frame.pts: frame.planes[0].tobytes() for frame in reader}
        assert found == {pts: luma for pts, luma in whole.items() if pts >= start}


def test_ranges_count_by_time_and_by_frames_that_are_given(source: Path) -> None:
    with VideoReader(source, fps=20, start_seconds=0.3, duration_seconds=0.5) as reader:
        assert reader.estimated_frames == 10
        frames = list(reader)
        assert [frame.pts for frame in frames] == list(range(6, 16))
        assert {frame.duration for frame in frames} == {1}
    with VideoReader(source, fps=20, max_frames=7) as reader:
        reader.skip(4)
        assert [frame.pts for frame in reader] == [4, 5, 6]


def test_places() -> None:
    def given(*begins: int, end: int, ticks: Fraction = Fraction(1, 2)) -> list[tuple[int, int]]:
        spans = list(zip(begins, (*begins[1:], end), strict=True))
        frames = ((number, *span) for number, span in enumerate(spans))
        return list(at_constant_rate(frames, lambda tick: nearest(tick * ticks)))

    assert given(0, 1, 2, 3, end=4) == [(0, 0), (2, 1)]
    assert given(0, 4, end=6) == [(0, 0), (0, 1), (1, 2)]
    assert given(5, end=6, ticks=Fraction(1, 100)) == [(0, 0)]
    assert given(-5, -3, 0, end=2) == [(0, -2), (1, -1), (2, 0)]
    assert list(at_constant_rate([], lambda tick: tick)) == []


def test_parts_and_jobs_give_the_bytes_of_encode(
    source: Path, tiny_models: dict[str, str], tmp_path: Path
) -> None:
    settings = {**tiny_models, "fps": "30000/1001", "gop": 3}
    straight, joined = tmp_path / "straight.ssf", tmp_path / "joined.ssf"
    report = streamcodec.encode(source, straight, **settings)
    plan = parts.VideoPlan.from_json(parts.plan_video(source, **settings).to_json())
    assert plan.source_range.fps == "30000/1001"
    assert plan.frames == report.frames
    paths = [tmp_path / f"{number}.ssf" for number in range(4)]
    for path, gops in zip(paths, plan.split(4), strict=True):
        parts.encode_part(source, plan, gops, path)
    parts.join_parts(plan, paths, joined)
    assert joined.read_bytes() == straight.read_bytes()
    other = parts.plan_video(source, **{**settings, "fps": 25})
    assert other.key != plan.key


def test_sound_stays_where_it_was(tiny_models: dict[str, str], tmp_path: Path) -> None:
    source = write_sounding(tmp_path / "sound.mkv", Sounding(sounds=(Sound("aac"),)))
    found = {}
    for fps in (None, 10, 50):
        out = tmp_path / f"{fps}.ssf"
        streamcodec.encode(source, out, fps=fps, start_seconds=0.4, **tiny_models)
        with streamcodec.open(out) as video, out.open("rb") as file:
            packets = [item for item in Reader(file) if isinstance(item, Packet)]
            sound = [item.pts for item in packets if item.type == PacketType.AUDIO]
            found[fps] = sound, video[0].pts_seconds, video.metadata.duration_seconds
    assert found[None][0] == found[10][0] == found[50][0]
    for fps in (10, 50):
        assert abs(found[fps][1] - found[None][1]) <= 0.5 / fps
        assert abs(found[fps][2] - found[None][2]) <= 1 / fps


def test_command(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], tiny_models: dict[str, str]
) -> None:
    out = tmp_path / "v.ssf"
    models = ["--intra", tiny_models["intra"], "--inter", tiny_models["inter"]]
    assert run(["encode", str(source), str(out), "--fps", "30000/1001", *models]) == 0
    capsys.readouterr()
    assert run(["info", str(out)]) == 0
    assert "29.97 fps (30000/1001)" in capsys.readouterr().out
    assert run(["encode", str(source), str(out), "-y", "--fps", "fast", *models]) == 2
    assert "fps is 'fast'; accepted: a number above 0" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "rate"),
    [
        (25, Fraction(25)),
        ("25", Fraction(25)),
        ("30000/1001", Fraction(30000, 1001)),
        (29.97003, Fraction(30000, 1001)),
        ("23.976", Fraction(2997, 125)),
        (Fraction(1, 3600), Fraction(1, 3600)),
        ("0.5", Fraction(1, 2)),
    ],
)
def test_rates(given: object, rate: Fraction) -> None:
    assert check_fps(given) == rate


@pytest.mark.parametrize(
    "given",
    [0, -1, "", "x", "1/0", 1001, "1e9", float("nan"), float("inf"), True, None, [25], "1/9999999"],
)
def test_other_rates_fail(given: object) -> None:
    with pytest.raises(UsageError, match="fps is"):
        check_fps(given)


def test_what_has_no_times_fails(tmp_path: Path, tiny_models: dict[str, str]) -> None:
    frame = np.zeros((3, 32, 48), np.uint8)
    with pytest.raises(UsageError, match="frame_rate"):
        streamcodec.encode([frame], tmp_path / "v.ssf", fps=25, **tiny_models)
    for setting in ({"fps": "25"}, {"scale": "40x30"}, {"video_track": 1}):
        options = streamcodec.EncodeOptions(**setting, intra=tiny_models["intra"])
        with pytest.raises(UsageError, match="which is for videos"):
            streamcodec.encode_image(frame, tmp_path / "p.ssf", options=options)
    assert not list(tmp_path.iterdir())
