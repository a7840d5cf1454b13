"""An encode that is cut off at any point goes on to the bytes of one that was not."""

import io
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import streamcodec
from streamcodec.cli import run
from streamcodec.container import PacketType, Reader
from streamcodec.errors import OutputError, SourceError, UsageError
from streamcodec.stream import resume as resume_module
from support.sounding import SRT, Sound, Sounding, write_sounding

SETTINGS: dict[str, Any] = {"gop": 5, "scenecut": 0.0, "preset": "fast"}
pytestmark = pytest.mark.usefixtures("tiny_models")


@pytest.fixture
def models(tiny_models: dict[str, str]) -> dict[str, object]:
    return {**tiny_models, **SETTINGS}


def parts_in(folder: Path) -> list[Path]:
    return sorted(folder.glob(".out.*.part.ssf"))


class StopError(Exception):
    """In the middle of an encode."""


def stopping_at(frames: int):
    def progress(done: int, _: int | None) -> None:
        if done == frames:
            raise StopError

    return progress


@pytest.fixture(scope="module")
def whole(clip: Path, tiny_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The stream of an encode that nothing happens to."""
    out = tmp_path_factory.mktemp("whole") / "out.ssf"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STREAMCODEC_WEIGHTS", str(tiny_weights))
        streamcodec.encode(clip, out, intra="tiny-intra", inter="tiny-inter", **SETTINGS)
    assert list(out.parent.iterdir()) == [out]
    return out.read_bytes()


@pytest.fixture
def part(clip: Path, tmp_path: Path, models: dict[str, object]) -> Path:
    """What a run with resume leaves when it fails at frame 13."""
    with pytest.raises(StopError) as raised:
        streamcodec.encode(
            clip, tmp_path / "out.ssf", resume=True, progress=stopping_at(13), **models
        )
    [part] = parts_in(tmp_path)
    assert raised.value.__notes__ == [
        f"what is done lies in {part}; encode with --resume continues it"
    ]
    assert not (tmp_path / "out.ssf").exists()
    return part


def places_of_keys(data: bytes) -> list[int]:
    return [
        h.offset for h in Reader(io.BytesIO(data)).headers() if h.type == PacketType.FRAME and h.key
    ]


def test_part_is_a_playable_beginning_of_the_stream(whole: bytes, part: Path) -> None:
    data = part.read_bytes()
    assert whole.startswith(data)
    frames = [frame.index for frame in streamcodec.open(data, on_damage="skip")]
    types = [frame.type for frame in streamcodec.open(whole)][:13]
    while types[-1] == "B":  # the frame behind it is not there
        types.pop()
    assert frames == list(range(len(types)))


def test_cut_at_any_byte_it_goes_on_to_the_same_bytes(
    clip: Path, tmp_path: Path, whole: bytes, part: Path, models: dict[str, object]
) -> None:
    keys = places_of_keys(whole)
    headers = Reader(io.BytesIO(whole)).headers()
    ends = [h.end for h in headers if h.type == PacketType.FRAME and h.key]
    rng = random.Random(5)
    sizes = [0, 7, keys[0] + 3, keys[1] - 1, keys[1] + 20, keys[2] + 30, len(whole) - 1, len(whole)]
    for size in [*sizes, *(rng.randrange(len(whole)) for _ in range(3))]:
        part.write_bytes(whole[:size])
        report = streamcodec.encode(
            clip, tmp_path / "out.ssf", resume=True, overwrite=True, psnr=True, **models
        )
        assert (tmp_path / "out.ssf").read_bytes() == whole
        assert parts_in(tmp_path) == []
        begun = sum(end <= size for end in ends)
        known = 5 * (begun - 1) if begun > 1 else 0
        note = (
            f"went on from frame {known} of an earlier run"
            if known
            else "there was nothing to resume"
        )
        assert report.notes[0] == note
        assert report.frames == 24
        assert report.psnr_db is not None


def test_report_is_that_of_a_run_without_a_break(
    clip: Path, tmp_path: Path, part: Path, models: dict[str, object]
) -> None:
    resumed = streamcodec.encode(clip, tmp_path / "out.ssf", resume=True, psnr=True, **models)
    straight = streamcodec.encode(clip, tmp_path / "other.ssf", psnr=True, **models)
    for name in ("frames", "gops", "size_bytes", "psnr_db", "duration_seconds", "quality"):
        assert getattr(resumed, name) == getattr(straight, name)


def test_garbage_behind_what_is_whole_is_cut_off(
    clip: Path, tmp_path: Path, whole: bytes, part: Path, models: dict[str, object]
) -> None:
    """A power cut may leave zeros, or blocks of something else, where the last bytes should be."""
    keys = places_of_keys(whole)
    for tail in (bytes(5000), os.urandom(3000), whole[keys[1] :]):
        part.write_bytes(whole[: keys[2] + 50] + tail)
        streamcodec.encode(clip, tmp_path / "out.ssf", resume=True, overwrite=True, **models)
        assert (tmp_path / "out.ssf").read_bytes() == whole


def test_other_settings_or_another_source_are_refused(
    clip: Path, tmp_path: Path, part: Path, synthetic, models: dict[str, object]
) -> None:
    other = synthetic.write_clip(tmp_path / "other.mp4", 10)
    before = part.read_bytes()
    for source, settings in (
        (clip, {"quality": 9}),
        (clip, {"gop": 6}),
        (clip, {"max_frames": 20}),
        (clip, {"start_seconds": 0.2}),
        (other, {}),
    ):
        with pytest.raises(UsageError, match="begun from another source, with other settings"):
            streamcodec.encode(source, tmp_path / "out.ssf", resume=True, **{**models, **settings})
        assert part.read_bytes() == before
        assert parts_in(tmp_path) == [part]


def test_copy_of_the_source_is_the_same_source(
    clip: Path, tmp_path: Path, whole: bytes, part: Path, models: dict[str, object]
) -> None:
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(clip.read_bytes())
    report = streamcodec.encode(copy, tmp_path / "out.ssf", resume=True, **models)
    assert "went on from frame 10" in report.notes[0]
    assert (tmp_path / "out.ssf").read_bytes() == whole


def test_part_with_other_bytes_is_refused(
    clip: Path, tmp_path: Path, whole: bytes, part: Path, models: dict[str, object]
) -> None:
    """As if FFmpeg decoded the source to other frames now: the name agrees, the bytes do not."""
    out = io.BytesIO()
    streamcodec.encode(clip, out, **{**models, "quality": 60})
    part.write_bytes(out.getvalue())
    with pytest.raises(OutputError, match="would have written other bytes"):
        streamcodec.encode(clip, tmp_path / "out.ssf", resume=True, **models)
    assert part.read_bytes() == out.getvalue()


def test_without_resume_it_begins_anew_and_says_so(
    clip: Path, tmp_path: Path, whole: bytes, part: Path, models: dict[str, object]
) -> None:
    report = streamcodec.encode(clip, tmp_path / "out.ssf", **models)
    assert "--resume would have continued" in report.notes[0]
    assert (tmp_path / "out.ssf").read_bytes() == whole
    assert parts_in(tmp_path) == []


def test_without_resume_a_failure_leaves_nothing(
    clip: Path, tmp_path: Path, models: dict[str, object]
) -> None:
    with pytest.raises(StopError):
        streamcodec.encode(clip, tmp_path / "out.ssf", progress=stopping_at(13), **models)
    assert list(tmp_path.glob(".*")) == []


def test_part_in_use_is_left_alone(
    clip: Path, tmp_path: Path, whole: bytes, models: dict[str, object]
) -> None:
    """Two runs of the same encode at once: the second does not touch the first one's part."""

    def second(done: int, _: int | None) -> None:
        if done == 13:
            with pytest.raises(OutputError, match="written by another process"):
                streamcodec.encode(clip, tmp_path / "out.ssf", resume=True, **models)
            streamcodec.encode(clip, tmp_path / "out.ssf", **models)

    with pytest.raises(OutputError, match="written meanwhile"):
        streamcodec.encode(clip, tmp_path / "out.ssf", progress=second, **models)
    assert (tmp_path / "out.ssf").read_bytes() == whole
    assert parts_in(tmp_path) == []


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("kind", ["link", "hard link", "link to nothing", "pipe"])
def test_what_lies_in_the_place_of_a_part_is_not_written_to(
    kind: str, resume: bool, clip: Path, tmp_path: Path, whole: bytes, part: Path,
    models: dict[str, object],
) -> None:  # fmt: skip
    """Others can tell the name of a part, and put a link there to a file that they may not write."""
    other = tmp_path / "precious"
    part.unlink()
    if kind == "pipe":
        os.mkfifo(part)
    elif kind == "hard link":
        other.write_text("kept")
        part.hardlink_to(other)
    else:
        part.symlink_to(other)
    if kind == "link":
        other.write_text("kept")
    out = tmp_path / "out.ssf"
    streamcodec.encode(clip, out, resume=resume, **models)
    assert out.read_bytes() == whole
    assert out.is_file()
    assert not out.is_symlink()
    assert parts_in(tmp_path) == []
    if kind in ("link", "hard link"):
        assert other.read_text() == "kept"
    else:
        assert not other.exists()


@pytest.mark.parametrize("out", ["object", "-"])
def test_only_files_can_be_resumed(clip: Path, out: str, models: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="only an encode of an ordinary file to a file"):
        streamcodec.encode(clip, io.BytesIO() if out == "object" else out, resume=True, **models)


def test_frames_from_python_cannot_be_resumed(tmp_path: Path, models: dict[str, object]) -> None:
    import numpy as np

    frames = [np.zeros((3, 16, 16), np.uint8)] * 3
    with pytest.raises(UsageError, match="only an encode of an ordinary file"):
        streamcodec.encode(frames, tmp_path / "out.ssf", resume=True, **models)


def test_failing_source_keeps_what_is_done(
    clip: Path, tmp_path: Path, models: dict[str, object]
) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(clip.read_bytes()[:-1500])
    with pytest.raises(SourceError):
        streamcodec.encode(cut, tmp_path / "out.ssf", resume=True, **models)
    assert not (tmp_path / "out.ssf").exists()


def test_sound_and_chapters_go_on_too(tmp_path: Path, models: dict[str, object]) -> None:
    what = Sounding([Sound(), Sound("flac")], [(SRT, "ger")], chapters=[(0, 900, "one")])
    source = write_sounding(tmp_path / "in.mkv", what)
    straight = io.BytesIO()
    streamcodec.encode(source, straight, **models)
    with pytest.raises(StopError):
        streamcodec.encode(
            source, tmp_path / "out.ssf", resume=True, progress=stopping_at(23), **models
        )
    report = streamcodec.encode(source, tmp_path / "out.ssf", resume=True, **models)
    assert "went on from frame 20" in report.notes[0]
    assert (tmp_path / "out.ssf").read_bytes() == straight.getvalue()


COMMAND = [sys.executable, "-P", "-m", "streamcodec", "encode"]


def arguments(clip: Path, out: Path, models: dict[str, object]) -> list[str]:
    return [
        str(clip), str(out), "--gop", "5", "--scenecut", "0", "--preset", "fast",
        "--intra", str(models["intra"]), "--inter", str(models["inter"]), "--resume",
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_killed_process_is_gone_on_with(
    synthetic, tmp_path: Path, models: dict[str, object], number: signal.Signals
) -> None:
    clip = synthetic.write_clip(tmp_path / "long.mp4", 120)
    out = tmp_path / "out.ssf"
    process = subprocess.Popen([*COMMAND, *arguments(clip, out, models)], stderr=subprocess.PIPE)
    while process.poll() is None:
        with suppress(FileNotFoundError):  # it may come to its end meanwhile
            if (parts := parts_in(tmp_path)) and parts[0].stat().st_size > 20_000:
                process.send_signal(number)
                break
        time.sleep(0.005)
    said = process.communicate()[1].decode()
    if number == signal.SIGINT and not out.exists():
        assert f"what is done lies in {parts[0]}" in said
    if not out.exists():
        assert len(parts_in(tmp_path)) == 1
        assert run(["encode", *arguments(clip, out, models), "--quiet"]) == 0
    straight = tmp_path / "straight.ssf"
    assert run(["encode", *arguments(clip, straight, models), "--quiet"]) == 0
    assert out.read_bytes() == straight.read_bytes()
    assert parts_in(tmp_path) == []


@pytest.mark.parametrize("resume", [False, True])
def test_ctrl_c_while_the_part_is_made_leaves_nothing(
    clip: Path,
    tmp_path: Path,
    models: dict[str, object],
    monkeypatch: pytest.MonkeyPatch,
    resume: bool,
) -> None:
    make = resume_module.os.open

    def interrupted(*arguments: Any) -> int:
        found = make(*arguments)
        signal.raise_signal(signal.SIGINT)
        return found

    monkeypatch.setattr(resume_module.os, "open", interrupted)
    with pytest.raises(KeyboardInterrupt):
        streamcodec.encode(clip, tmp_path / "out.ssf", resume=resume, **models)
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []
