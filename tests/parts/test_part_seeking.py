"""The frames of every GOP can be come to from anywhere, in every kind of file, and are the planned ones."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from streamcodec.parts import encode as parts
from streamcodec.parts.plan import VideoPlan, plan_video
from streamcodec.stream.options import EncodeOptions
from streamcodec.stream.source import SourceRange

pytestmark = pytest.mark.slow

FRAMES = 48
B_FRAMES = {"g": "20", "bf": "3"}
OPEN_GOPS = {"x264-params": "keyint=12:open-gop=1:bframes=3:scenecut=0"}
REFRESH = {"x264-params": "keyint=20:intra-refresh=1"}
VARYING = np.cumsum(np.random.default_rng(4).integers(1000, 9000, FRAMES)).tolist()
STEADY = Fraction(1, 30)

KINDS = {
    "b-frames.mp4": {"options": B_FRAMES},
    "open.mp4": {"options": OPEN_GOPS},
    "open.mkv": {"options": OPEN_GOPS},
    "open.ts": {"options": OPEN_GOPS},
    "refresh.ts": {"options": REFRESH},
    "varying.mp4": {"options": B_FRAMES, "pts": VARYING},
    "late.mkv": {"options": B_FRAMES, "pts": [270_000 + pts for pts in VARYING]},
    "negative.nut": {
        "options": {"g": "20", "bf": "0"},
        "pts": [-9000 + 3000 * number for number in range(FRAMES)],
    },
    "twice.mkv": {
        "options": {"g": "20", "bf": "0"},
        "pts": [3000 * (number // 2) + number % 2 for number in range(FRAMES)],
    },
    "mpeg2.mpg": {"codec": "mpeg2video", "options": {"g": "15", "bf": "2"}, "time_base": STEADY},
    "mpeg4.avi": {"codec": "mpeg4", "options": {"g": "15", "bf": "2"}, "time_base": STEADY},
    "h264.avi": {"options": B_FRAMES, "time_base": STEADY},
    "vp9.webm": {
        "codec": "libvpx-vp9",
        "options": {"g": "20", "deadline": "realtime", "cpu-used": "8"},
    },
    "untimed.h264": {"options": B_FRAMES, "container": "h264"},
}


def come_to(source: Path, plan: VideoPlan, gops: range) -> tuple[str, list[int]]:
    """The way that led to the frames of these GOPs, and their pts."""
    for beginning in parts._beginnings(source, plan, gops, "yuv420"):
        try:
            frames = [
                frame.pts
                for frame in parts._as_planned(beginning(), plan.gops[gops.start : gops.stop])
            ]
        except parts._OtherFramesError:
            continue
        return beginning.func.__name__, frames
    raise AssertionError("no way led there")


@pytest.mark.parametrize("name", KINDS)
def test_every_gop_is_reached(name: str, synthetic: ModuleType, tiny_codec, tmp_path: Path) -> None:
    source = synthetic.write_clip(
        tmp_path / name, synthetic.moving_frames(FRAMES, 32, 32), **KINDS[name]
    )
    plan = plan_video(source, codec=tiny_codec, gop=7, scenecut=0.0)
    with SourceRange().reader(source, "yuv420") as reader:
        pts: Sequence[int] = [frame.pts for frame in reader]
    assert plan.frames == len(pts)
    ways = set()
    for number, gop in enumerate(plan.gops):
        way, reached = come_to(source, plan, range(number, number + 1))
        assert reached == list(pts[gop.first_frame : gop.first_frame + gop.frames])
        ways.add(way)
    assert ways == (
        {"_from_the_beginning"}
        if name == "untimed.h264"
        else {"_from_the_beginning", "_after_seeking"}
    )


def test_frames_that_are_nowhere_fail(clip: Path, tiny_codec) -> None:
    plan = plan_video(clip, codec=tiny_codec, options=EncodeOptions(gop=5))
    wrong = plan.gops[2].__class__(
        plan.gops[2].first_frame, 5, plan.gops[2].pts + 1, plan.gops[2].checksum
    )
    for beginning in parts._beginnings(clip, plan, range(2, 3), "yuv420"):
        with pytest.raises(parts._OtherFramesError):
            list(parts._as_planned(beginning(), [wrong]))
