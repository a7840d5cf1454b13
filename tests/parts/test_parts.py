"""Parts: however a plan is cut, the joined stream has the bytes of a straight encode."""

import random
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import torch

import streamcodec
from streamcodec.errors import (
    CorruptStreamError,
    OutputError,
    SourceError,
    TruncatedStreamError,
    UsageError,
)
from streamcodec.parts import VideoPlan, check_part, encode_part, join_parts, plan_video
from streamcodec.parts import encode as parts_module

SIZE = (48, 32)
SETTINGS = {"gop": 4, "quality": 40}


@pytest.fixture(scope="session")
def source(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """22 frames of 48x32 with B-frames and a scene cut at frame 10."""
    frames = [
        *synthetic.moving_frames(10, *SIZE),
        *(255 - frame for frame in synthetic.moving_frames(12, *SIZE, seed=5)),
    ]
    path: Path = synthetic.write_clip(
        tmp_path_factory.mktemp("parts") / "cut.mp4", frames, options={"g": "9", "bf": "3"}
    )
    return path


@pytest.fixture(scope="session")
def plan(source: Path, tiny_codec) -> VideoPlan:
    return plan_video(source, codec=tiny_codec, **SETTINGS)


@pytest.fixture(scope="session")
def straight(
    source: Path, tiny_codec, tmp_path_factory: pytest.TempPathFactory
) -> tuple[bytes, streamcodec.EncodeReport]:
    out = tmp_path_factory.mktemp("straight") / "v.ssf"
    report = streamcodec.encode(source, out, codec=tiny_codec, psnr=True, **SETTINGS)
    return out.read_bytes(), report


@pytest.fixture(scope="session")
def parts(source: Path, plan, tiny_codec, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three parts with squared errors."""
    folder = tmp_path_factory.mktemp("pieces")
    return encode_all(source, plan, plan.split(3), folder, tiny_codec, psnr=True)


def encode_all(
    source: Path, plan, runs: list[range], folder: Path, codec, *, psnr: bool = False
) -> list[Path]:
    paths = [folder / f"{run.start}-{run.stop}.ssf" for run in runs]
    for run, path in zip(runs, paths, strict=True):
        encode_part(source, plan, run, path, codec=codec, psnr=psnr)
    return paths


def test_joined_parts_are_the_straight_encode(plan, parts, straight, tmp_path: Path) -> None:
    data, report = straight
    joined = join_parts(plan, parts[::-1], tmp_path / "v.ssf")
    assert (tmp_path / "v.ssf").read_bytes() == data
    assert joined.psnr_db == pytest.approx(report.psnr_db, abs=1e-9)
    assert replace(joined, seconds=0, psnr_db=None) == replace(report, seconds=0, psnr_db=None)


def test_any_cut_gives_the_same_bytes(
    source: Path, plan, straight, tiny_codec, tmp_path: Path
) -> None:
    rng = random.Random(3)
    for attempt in range(3):
        cuts = sorted(rng.sample(range(1, len(plan.gops)), attempt + 2))
        runs = [range(*ends) for ends in zip([0, *cuts], [*cuts, len(plan.gops)], strict=True)]
        folder = tmp_path / str(attempt)
        folder.mkdir()
        join_parts(plan, encode_all(source, plan, runs, folder, tiny_codec), folder / "v.ssf")
        assert (folder / "v.ssf").read_bytes() == straight[0]


def test_part_tells_what_it_holds_and_plays(plan, parts, tiny_models) -> None:
    reports = [check_part(plan, path) for path in parts]
    assert [
        range(report.first_gop, report.first_gop + report.gops) for report in reports
    ] == plan.split(3)
    assert [report.size_bytes for report in reports] == [path.stat().st_size for path in parts]
    assert sum(report.frames for report in reports) == plan.frames
    assert all(report.squared_error and report.fps > 0 for report in reports)
    with streamcodec.open(parts[1]) as video:
        assert video[0].pts == plan.gops[reports[1].first_gop].pts
        assert len(video) == reports[1].frames


def test_progress_and_report(source: Path, plan, tiny_codec, tmp_path: Path) -> None:
    done: list[tuple[int, int | None]] = []
    report = encode_part(
        source,
        plan,
        range(1, 3),
        tmp_path / "p.ssf",
        codec=tiny_codec,
        progress=lambda *numbers: done.append(numbers),
    )
    assert done[-1] == (report.frames, report.frames)
    assert report.squared_error is None
    assert check_part(plan, tmp_path / "p.ssf") == report


def test_part_of_the_source(source: Path, tiny_codec, tmp_path: Path) -> None:
    chosen = {"start_seconds": 0.2, "max_frames": 9}
    plan = plan_video(source, codec=tiny_codec, gop=3, **chosen)
    join_parts(
        plan, encode_all(source, plan, plan.split(2), tmp_path, tiny_codec), tmp_path / "v.ssf"
    )
    streamcodec.encode(source, tmp_path / "straight.ssf", codec=tiny_codec, gop=3, **chosen)
    assert (tmp_path / "v.ssf").read_bytes() == (tmp_path / "straight.ssf").read_bytes()


def test_target_of_the_plan_is_kept(source: Path, tiny_codec, tmp_path: Path) -> None:
    wanted = {"target_psnr_db": 20.0, "gop": 11, "scenecut": 0.0}
    plan = plan_video(source, codec=tiny_codec, **wanted)
    report = join_parts(
        plan, encode_all(source, plan, plan.split(2), tmp_path, tiny_codec), tmp_path / "v.ssf"
    )
    straight = streamcodec.encode(source, tmp_path / "straight.ssf", codec=tiny_codec, **wanted)
    assert (tmp_path / "v.ssf").read_bytes() == (tmp_path / "straight.ssf").read_bytes()
    assert (report.target, report.quality) == (straight.target, straight.quality)
    assert report.psnr_db == pytest.approx(straight.psnr_db)


def test_threads_are_those_of_the_plan(source: Path, plan, tiny_codec, tmp_path: Path) -> None:
    before, seen = torch.get_num_threads(), []
    encode_part(
        source,
        replace(plan, threads=before + 1),
        range(1),
        tmp_path / "p.ssf",
        codec=tiny_codec,
        progress=lambda *_: seen.append(torch.get_num_threads()),
    )
    assert set(seen) == {before + 1}
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    "gops", [range(0), range(2, 1), range(4, 99), range(-1, 2), range(0, 4, 2), 3]
)
def test_gops_that_are_not_planned_fail(
    source: Path, plan, tiny_codec, tmp_path: Path, gops
) -> None:
    with pytest.raises(UsageError, match="GOPs are"):
        encode_part(source, plan, gops, tmp_path / "p.ssf", codec=tiny_codec)


def test_another_source_fails(clip: Path, plan, tiny_codec, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="not the file that was planned"):
        encode_part(clip, plan, range(1), tmp_path / "p.ssf", codec=tiny_codec)
    assert list(tmp_path.iterdir()) == []


def test_copy_of_the_source_is_as_good(source: Path, plan, tiny_codec, tmp_path: Path) -> None:
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(source.read_bytes())
    assert (
        encode_part(copy, plan, range(1), tmp_path / "p.ssf", codec=tiny_codec).frames
        == plan.gops[0].frames
    )


def test_frames_that_differ_from_the_plan_fail(
    source: Path, plan, tiny_codec, tmp_path: Path
) -> None:
    wrong = replace(
        plan,
        gops=(
            *plan.gops[:2],
            replace(plan.gops[2], checksum=plan.gops[2].checksum ^ 1),
            *plan.gops[3:],
        ),
    )
    with pytest.raises(SourceError, match="decodes to other frames"):
        encode_part(source, wrong, range(1, 3), tmp_path / "p.ssf", codec=tiny_codec)
    assert list(tmp_path.iterdir()) == []


def test_another_codec_fails(source: Path, plan, tiny_codec, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="differ in inter"):
        encode_part(
            source, plan, range(1), tmp_path / "p.ssf", codec=replace(tiny_codec, inter=None)
        )


def test_existing_part_is_kept(source: Path, plan, tiny_codec, tmp_path: Path) -> None:
    out = tmp_path / "p.ssf"
    out.write_bytes(b"precious")
    with pytest.raises(OutputError, match="exists"):
        encode_part(source, plan, range(1), out, codec=tiny_codec)
    assert out.read_bytes() == b"precious"


def test_inexact_seeking_falls_back_to_the_beginning(
    source: Path, plan, straight, tiny_codec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inexact = parts_module.VideoReader
    tried = []

    def one_frame_late(path: Path, *, start_pts: int, **others: object) -> object:
        tried.append(start_pts)
        return inexact(path, start_pts=start_pts + 1, **others)

    monkeypatch.setattr(parts_module, "VideoReader", one_frame_late)
    runs = [range(2), range(2, len(plan.gops))]
    monkeypatch.setattr(parts_module, "STEP_BACK_SECONDS", 0)
    join_parts(plan, encode_all(source, plan, runs, tmp_path, tiny_codec), tmp_path / "v.ssf")
    assert tried == [plan.gops[2].pts] * 2
    assert (tmp_path / "v.ssf").read_bytes() == straight[0]


class TestJoin:
    def test_missing_part_fails(self, plan, parts, tmp_path: Path) -> None:
        lost = plan.split(3)
        for left, run in (
            (parts[1:], lost[0]),
            (parts[:1] + parts[2:], lost[1]),
            (parts[:2], lost[2]),
        ):
            with pytest.raises(
                UsageError, match=rf"GOPs {run.start}\.\.{run.stop - 1} are in none"
            ):
                join_parts(plan, left, tmp_path / "v.ssf")
        assert list(tmp_path.iterdir()) == []

    def test_no_parts_fail(self, plan, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="are in none of the parts"):
            join_parts(plan, [], tmp_path / "v.ssf")

    def test_part_twice_fails(self, plan, parts, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="another part has too"):
            join_parts(plan, [*parts, parts[1]], tmp_path / "v.ssf")

    def test_part_of_another_plan_fails(self, plan, parts, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="part of another plan"):
            join_parts(replace(plan, threads=5), parts, tmp_path / "v.ssf")

    def test_whole_stream_is_no_part(self, plan, parts, straight, tmp_path: Path) -> None:
        (tmp_path / "whole.ssf").write_bytes(straight[0])
        with pytest.raises(UsageError, match="is not a part"):
            join_parts(plan, [tmp_path / "whole.ssf"], tmp_path / "v.ssf")

    def test_missing_file_fails(self, plan, parts, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match="cannot open"):
            join_parts(plan, [*parts[:2], tmp_path / "missing.ssf"], tmp_path / "v.ssf")

    def test_cut_part_fails(self, plan, parts, tmp_path: Path) -> None:
        data = parts[2].read_bytes()
        for size in (len(data) - 1, len(data) // 2, 30):
            (tmp_path / "cut.ssf").write_bytes(data[:size])
            with pytest.raises(TruncatedStreamError):
                join_parts(plan, [*parts[:2], tmp_path / "cut.ssf"], tmp_path / "v.ssf")
        assert not (tmp_path / "v.ssf").exists()

    def test_damaged_part_fails(self, plan, parts, tmp_path: Path) -> None:
        data = bytearray(parts[1].read_bytes())
        for position in (10, len(data) // 3, len(data) // 2, len(data) - 30):
            broken = bytearray(data)
            broken[position] ^= 64
            (tmp_path / "broken.ssf").write_bytes(broken)
            with pytest.raises(CorruptStreamError):
                check_part(plan, tmp_path / "broken.ssf")

    def test_existing_output_is_kept(self, plan, parts, tmp_path: Path) -> None:
        (tmp_path / "v.ssf").write_bytes(b"precious")
        with pytest.raises(OutputError, match="exists"):
            join_parts(plan, parts, tmp_path / "v.ssf")
        assert (tmp_path / "v.ssf").read_bytes() == b"precious"

    def test_psnr_needs_the_errors_of_all_parts(
        self, source: Path, plan, parts, tiny_codec, tmp_path: Path
    ) -> None:
        run = plan.split(3)[0]
        encode_part(source, plan, run, tmp_path / "p.ssf", codec=tiny_codec)
        assert (
            join_parts(plan, [tmp_path / "p.ssf", *parts[1:]], tmp_path / "v.ssf").psnr_db is None
        )
