"""Planning: where GOPs begin, what the plan remembers, and what cannot be planned."""

import json
import os
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

import streamcodec
from streamcodec.errors import SourceError, UsageError
from streamcodec.identity import BLOCK_BYTES, BLOCKS
from streamcodec.parts import VideoPlan, encode_part, identify, join_parts, plan_video

SIZE = (48, 32)


@pytest.fixture(scope="session")
def cut_clip(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 frames of 48x32 with a scene cut at frame 9."""
    frames = [
        *synthetic.moving_frames(9, *SIZE),
        *(255 - frame for frame in synthetic.moving_frames(11, *SIZE, seed=5)),
    ]
    path: Path = synthetic.write_clip(tmp_path_factory.mktemp("plan") / "cut.mp4", frames)
    return path


def test_plan_has_the_gops_of_an_encode(
    cut_clip: Path, tiny_codec, tiny_models, tmp_path: Path
) -> None:
    plan = plan_video(cut_clip, gop=6, codec=tiny_codec)
    report = streamcodec.encode(cut_clip, tmp_path / "v.ssf", gop=6, codec=tiny_codec)
    video = streamcodec.open(tmp_path / "v.ssf")
    assert [gop.first_frame for gop in plan.gops] == video.key_frames
    assert 9 in video.key_frames
    assert 15 in video.key_frames
    assert [gop.pts for gop in plan.gops] == [video[frame].pts for frame in video.key_frames]
    assert (plan.frames, plan.width, plan.height) == (20, *SIZE)
    assert plan.duration_seconds == report.duration_seconds
    assert plan.header == video.header
    assert plan.warnings == ()


def test_plan_survives_json(cut_clip: Path, tiny_codec) -> None:
    plan = plan_video(cut_clip, gop=6, codec=tiny_codec, start_seconds=0.1, max_frames=13)
    assert VideoPlan.from_json(plan.to_json()) == plan
    assert plan.frames == 13


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"plan":1}', '{"plan":2}'])
def test_what_is_no_plan_fails(text: str) -> None:
    with pytest.raises(UsageError, match="not a plan of a video"):
        VideoPlan.from_json(text)


def test_damaged_plans_fail(cut_clip: Path, tiny_codec) -> None:
    values = json.loads(plan_video(cut_clip, codec=tiny_codec).to_json())
    for change in ({"gops": []}, {"header": "00"}, {"options": {"quality": 99}}, {"surplus": 1}):
        with pytest.raises(UsageError, match="not a plan of a video"):
            VideoPlan.from_json(json.dumps(values | change))


def test_key_tells_settings_and_contents_apart(cut_clip: Path, tiny_codec, tmp_path: Path) -> None:
    plan = plan_video(cut_clip, gop=6, codec=tiny_codec)
    assert plan_video(cut_clip, gop=6, codec=tiny_codec).key == plan.key
    others = [
        {"gop": 5},
        {"gop": 6, "quality": 3},
        {"gop": 6, "threads": 7},
        {"gop": 6, "on_error": "skip"},
    ]
    keys = {plan_video(cut_clip, codec=tiny_codec, **other).key for other in others}
    assert len(keys | {plan.key}) == 5


@pytest.mark.parametrize("parts", [1, 2, 3, 4, 9])
def test_split_gives_every_gop_once(cut_clip: Path, tiny_codec, parts: int) -> None:
    plan = plan_video(cut_clip, gop=2, scenecut=0.0, codec=tiny_codec)
    runs = plan.split(parts)
    assert [gop for run in runs for gop in run] == list(range(len(plan.gops)))
    assert len(runs) == parts
    frames = [sum(plan.gops[gop].frames for gop in run) for run in runs]
    assert max(frames) - min(frames) <= 4


def test_split_has_at_most_a_part_for_each_gop(cut_clip: Path, tiny_codec) -> None:
    plan = plan_video(cut_clip, gop=6, scenecut=0.0, codec=tiny_codec)
    assert plan.split(100) == [range(0, 1), range(1, 2), range(2, 3), range(3, 4)]
    with pytest.raises(UsageError, match="number of parts is 0"):
        plan.split(0)


def test_damage_is_met_as_asked_for(tiny_codec, synthetic: ModuleType, tmp_path: Path) -> None:
    whole = synthetic.write_clip(
        tmp_path / "whole.mp4",
        synthetic.moving_frames(20, *SIZE),
        muxer_options={"movflags": "faststart"},
    )
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(whole.read_bytes()[:-300])
    with pytest.raises(SourceError, match="damaged"):
        plan_video(broken, codec=tiny_codec)
    plan = plan_video(broken, codec=tiny_codec, on_error="stop", gop=5)
    assert 5 < plan.frames < 20
    assert len(plan.warnings) == 1
    parts = [tmp_path / "0.ssf", tmp_path / "1.ssf"]
    for run, part in zip(plan.split(2), parts, strict=True):
        encode_part(broken, plan, run, part, codec=tiny_codec)
    join_parts(plan, parts, tmp_path / "joined.ssf")
    streamcodec.encode(broken, tmp_path / "straight.ssf", codec=tiny_codec, on_error="stop", gop=5)
    assert (tmp_path / "joined.ssf").read_bytes() == (tmp_path / "straight.ssf").read_bytes()


def test_target_is_searched_for(cut_clip: Path, tiny_codec) -> None:
    plan = plan_video(cut_clip, codec=tiny_codec, target_bpp=1e-6)
    assert plan.target == streamcodec.Target("bpp", 1e-6)
    assert (plan.options.quality, plan.options.target) == (0, None)
    assert VideoPlan.from_json(plan.to_json()) == plan


def test_target_of_unknown_length_is_searched_for(
    tiny_codec, synthetic: ModuleType, tmp_path: Path
) -> None:
    frames = synthetic.moving_frames(3, *SIZE)
    raw = synthetic.write_clip(tmp_path / "raw.h264", frames, container="h264")
    plan = plan_video(raw, codec=tiny_codec, target_bpp=1e-6)
    assert (plan.options.quality, plan.frames) == (0, 3)


@pytest.mark.parametrize("source", [5, [np.zeros((3, 32, 48), np.uint8)], Path("/"), "-"])
def test_only_files_can_be_planned(tiny_codec, source) -> None:
    with pytest.raises((UsageError, SourceError), match=r"accepted|No such file"):
        plan_video(source, codec=tiny_codec)


def test_impossible_threads_fail(cut_clip: Path, tiny_codec) -> None:
    with pytest.raises(UsageError, match="number of threads is 0"):
        plan_video(cut_clip, codec=tiny_codec, threads=0)
    assert plan_video(cut_clip, codec=tiny_codec).threads == torch.get_num_threads()


def test_part_behind_the_end_fails(cut_clip: Path, tiny_codec) -> None:
    with pytest.raises(SourceError, match="no frames"):
        plan_video(cut_clip, codec=tiny_codec, start_seconds=100)


def test_identity_sees_size_ends_and_blocks(tmp_path: Path) -> None:
    path = tmp_path / "file"
    data = bytearray(3 * BLOCKS * BLOCK_BYTES)
    path.write_bytes(data)
    first = identify(path)
    assert first.size_bytes == len(data)
    assert first.modified_ns == path.stat().st_mtime_ns
    for position in (0, len(data) - 1, (len(data) - BLOCK_BYTES) // (BLOCKS - 1)):
        data[position] = 1
        path.write_bytes(data)
        assert not identify(path).has_content_of(first)
        data[position] = 0
    path.write_bytes(data)
    os.utime(path, ns=(1, 1))
    assert identify(path).has_content_of(first)
    assert identify(path) == replace(first, modified_ns=1)


def test_identity_of_a_small_file_is_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 100_000)
    first = identify(path)
    path.write_bytes(b"x" * 50_000 + b"y" + b"x" * 49_999)
    assert not identify(path).has_content_of(first)


def test_missing_file_has_no_identity(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot open"):
        identify(tmp_path / "missing")
