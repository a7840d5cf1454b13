"""A worker without Ray: its tasks, its answers, and stores that are no disks."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import streamcodec
from streamcodec.errors import OutputError
from streamcodec.pipelines.files.locations import FileRef
from streamcodec.pipelines.files.storage import Storage, clear_temporaries, remove_parts
from streamcodec.pipelines.transcoding.messages import (
    FileDone,
    FileError,
    Outcome,
    Part,
    PartDone,
    PartsLost,
    Planned,
    Task,
    Verified,
)
from streamcodec.pipelines.transcoding.worker import Coder
from support.sounding import SRT, Sound, Sounding, packets_of, write_sounding

fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed")


@pytest.fixture
def memory() -> Iterator[Any]:
    """An empty store in memory."""
    files = fsspec.filesystem("memory")
    files.store.clear()
    yield files
    files.store.clear()


def ref_of(path: Path, out: str) -> FileRef:
    return FileRef(1, str(path), out, path.stat().st_size, "ab" * 16)


def only(outcomes: Iterator[Outcome]) -> Any:
    [outcome] = outcomes
    return outcome


class Bench:
    """A coder with one video of 24 frames, in 3 GOPs, and the tasks for it."""

    def __init__(self, dataset: Any, work: str, out: str, **changes: Any) -> None:
        self.path = dataset.add("a.mp4", 24)
        self.ref = ref_of(self.path, out)
        self.work = work
        self.coder = Coder(replace(dataset.coding, **changes), Storage(work))

    def perform(self, kind: str, **fields: Any) -> Any:
        return only(self.coder.perform(Task(0, kind, (self.ref,), **fields)))  # type: ignore[arg-type]

    def parts(self, plan: Any) -> tuple[PartDone, ...]:
        return tuple(
            self.perform("part", plan=plan, part=part) for part in (Part(0, 1, 8), Part(1, 2, 16))
        )


@pytest.fixture
def bench(dataset: Any, tmp_path: Path) -> Bench:
    return Bench(
        dataset,
        str(tmp_path / "out" / ".streamcodec"),
        str(tmp_path / "out" / "a.ssf"),
        check_gops=2,
    )


def test_parts_join_to_the_stream_of_encode(bench: Bench, dataset: Any) -> None:
    planned = bench.perform("whole", long_pixels=0)
    assert isinstance(planned, Planned)
    assert planned.plan.gop_frames == (8, 8, 8)
    parts = bench.parts(planned.plan)
    done = bench.perform("join", plan=planned.plan, parts=parts)
    assert isinstance(done, FileDone)
    assert Path(bench.ref.output).read_bytes() == dataset.encoded("a.mp4")
    assert (done.frames, done.gops, done.size_bytes) == (
        24,
        3,
        Path(bench.ref.output).stat().st_size,
    )
    assert done.seconds >= sum(part.seconds for part in parts)
    assert isinstance(bench.perform("verify"), Verified)
    assert Path(parts[0].path).exists()  # until the driver has it in writing
    remove_parts(bench.work, bench.ref)
    assert not Path(parts[0].path).exists()


@pytest.mark.parametrize("changes", [{"preset": "fast"}, {"preset": "slow"}, {"gop": 1}])
def test_the_stream_is_that_of_encode_with_the_same_options(
    changes: dict[str, Any], dataset: Any, tmp_path: Path
) -> None:
    options = replace(dataset.coding.options, **changes)
    source, out = dataset.add("a.mp4", 9), tmp_path / "out.ssf"
    coder = Coder(replace(dataset.coding, options=options), Storage(str(tmp_path)))
    only(coder.perform(Task(0, "whole", (ref_of(source, str(out)),))))
    streamcodec.encode(source, tmp_path / "alone.ssf", options=options)
    assert coder.codec.preset == options.preset
    assert out.read_bytes() == (tmp_path / "alone.ssf").read_bytes()


def test_sound_goes_through_parts_and_back_and_notes_are_told(dataset: Any, tmp_path: Path) -> None:
    source = tmp_path / "in.mkv"
    write_sounding(source, Sounding([Sound(), Sound("flac")], [(SRT, "ger")], attachment=b"font"))
    ref = ref_of(source, str(tmp_path / "out.ssf"))
    coder = Coder(dataset.coding, Storage(str(tmp_path)))
    plan = only(coder.perform(Task(0, "whole", (ref,), 0))).plan
    runs = [
        Part(0, 1, plan.gop_frames[0]),
        Part(1, len(plan.gop_frames) - 1, sum(plan.gop_frames[1:])),
    ]
    parts = tuple(
        only(coder.perform(Task(0, "part", (ref,), plan=plan, part=part))) for part in runs
    )
    done = only(coder.perform(Task(0, "join", (ref,), plan=plan, parts=parts)))
    assert done.notes == ("its attachment is not kept",)
    whole = replace(ref, output=str(tmp_path / "whole.ssf"))
    assert only(coder.perform(Task(0, "whole", (whole,)))).notes == done.notes
    assert Path(whole.output).read_bytes() == Path(ref.output).read_bytes()
    back = replace(ref_of(Path(ref.output), str(tmp_path / "back.mkv")), file=2)
    decoder = Coder(replace(dataset.coding, to="mkv"), Storage(str(tmp_path)))
    assert only(decoder.perform(Task(0, "whole", (back,)))).notes == ()
    assert packets_of(Path(back.output)) == packets_of(source)


def test_a_part_that_is_there_is_not_coded_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = bench.perform("whole", long_pixels=0).plan
    parts = bench.parts(plan)
    monkeypatch.setattr("streamcodec.pipelines.transcoding.worker.encode_part", None)
    assert bench.parts(plan) == parts


def test_lost_and_damaged_parts_are_named(bench: Bench) -> None:
    plan = bench.perform("whole", long_pixels=0).plan
    parts = bench.parts(plan)
    data = bytearray(Path(parts[1].path).read_bytes())
    data[len(data) // 2] ^= 1
    Path(parts[1].path).write_bytes(data)
    lost = bench.perform("join", plan=plan, parts=parts)
    assert isinstance(lost, PartsLost)
    assert lost.first_gops == (1,)
    Path(parts[0].path).unlink()
    lost = bench.perform("join", plan=plan, parts=parts)
    assert isinstance(lost, PartsLost)
    assert lost.first_gops == (0, 1)
    assert isinstance(
        bench.perform("join", plan=plan, parts=bench.parts(plan)), FileDone
    )  # coded anew


def test_a_video_is_planned_if_it_has_more_pixels(bench: Bench, dataset: Any) -> None:
    pixels = 24 * 48 * 32
    assert isinstance(bench.perform("whole", long_pixels=pixels - 1), Planned)
    assert isinstance(bench.perform("whole", long_pixels=pixels), FileDone)
    assert isinstance(bench.perform("whole"), FileDone)


def test_a_video_of_unknown_length_is_planned_unless_it_has_a_target(
    dataset: Any, tmp_path: Path, synthetic: ModuleType
) -> None:
    source = synthetic.write_clip(tmp_path / "raw.h264", 8, size=(48, 32))
    task = Task(0, "whole", (ref_of(source, str(tmp_path / "out.ssf")),), 1e12)
    coder = Coder(dataset.coding, Storage(str(tmp_path)))
    assert isinstance(only(coder.perform(task)), Planned)
    options = replace(dataset.coding.options, target_bpp=0.5)
    coder = Coder(replace(dataset.coding, options=options), Storage(str(tmp_path)))
    assert isinstance(only(coder.perform(task)), FileDone)


def test_an_output_that_is_not_its_input_fails_to_verify(bench: Bench, dataset: Any) -> None:
    assert isinstance(bench.perform("whole"), FileDone)
    dataset.add("a.mp4", 23)
    error = bench.perform("verify")
    assert isinstance(error, FileError)
    assert "frame 22 has (time, duration)" in error.error or "frame 23 has" in error.error


def test_a_damaged_output_fails_to_verify(bench: Bench) -> None:
    assert isinstance(bench.perform("whole"), FileDone)
    out = Path(bench.ref.output)
    data = bytearray(out.read_bytes())
    data[len(data) // 2] ^= 1
    out.write_bytes(data)
    assert "the output is damaged" in bench.perform("verify").error


def test_one_failure_leaves_the_rest_of_a_batch(bench: Bench, tmp_path: Path) -> None:
    missing = FileRef(
        0, str(tmp_path / "missing.mp4"), str(tmp_path / "out" / "m.ssf"), 1, "cd" * 16
    )
    outcomes = list(bench.coder.perform(Task(0, "whole", (missing, bench.ref))))
    assert [type(outcome) for outcome in outcomes] == [FileError, FileDone]
    assert not list(Path(bench.work, "tmp").iterdir())


def test_inputs_parts_and_outputs_in_a_store(dataset: Any, memory: Any) -> None:
    bench = Bench(dataset, "memory://bucket/out/.streamcodec", "memory://bucket/out/a.ssf")
    memory.put_file(str(bench.path), "/bucket/a.mp4")
    bench.ref = replace(bench.ref, input="memory://bucket/a.mp4")
    plan = bench.perform("whole", long_pixels=0).plan
    parts = bench.parts(plan)
    assert all(part.path.startswith("memory://") for part in parts)
    assert isinstance(bench.perform("join", plan=plan, parts=parts), FileDone)
    assert memory.cat_file("/bucket/out/a.ssf") == dataset.encoded("a.mp4")
    assert isinstance(bench.perform("verify"), Verified)
    remove_parts(bench.work, bench.ref)
    assert sorted(memory.find("/bucket")) == ["/bucket/a.mp4", "/bucket/out/a.ssf"]


def test_an_input_of_another_size_than_listed_fails(dataset: Any, memory: Any) -> None:
    bench = Bench(dataset, "memory://bucket/out/.streamcodec", "memory://bucket/out/a.ssf")
    memory.pipe_file("/bucket/a.mp4", b"short")
    bench.ref = replace(bench.ref, input="memory://bucket/a.mp4")
    error = bench.perform("whole")
    assert isinstance(error, FileError)
    assert "is not what was listed" in error.error
    assert not memory.exists("/bucket/out/a.ssf")


@pytest.mark.parametrize("letter", ["x", "名"])
def test_outputs_may_have_the_longest_names(tmp_path: Path, letter: str) -> None:
    storage = Storage(str(tmp_path / "work"))
    name = letter * (251 // len(letter.encode())) + ".ssf"
    with storage.output(str(tmp_path / name), "key", ".ssf") as path:
        path.write_bytes(b"whole")
    assert (tmp_path / name).read_bytes() == b"whole"
    with (
        pytest.raises(OutputError, match="File name too long"),
        storage.output(str(tmp_path / f"xxxxx{name}"), "key", ".ssf") as path,
    ):
        path.write_bytes(b"whole")
    assert list((tmp_path / "work" / "tmp").iterdir()) == []


def test_named_pipe_in_the_place_of_an_output_is_kept(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.ssf")
    with (
        pytest.raises(OutputError, match="is a named pipe"),
        Storage(str(tmp_path / "work")).output(str(tmp_path / "a.ssf"), "key", ".ssf") as path,
    ):
        path.write_bytes(b"whole")
    assert (tmp_path / "a.ssf").is_fifo()


def test_rate_and_size_hold_for_parts_checks_and_guesses(dataset: Any, tmp_path: Path) -> None:
    """24 frames at 30 a second become 8 at 10, of a quarter of the size."""
    options = replace(dataset.coding.options, fps="10", scale="24x16", gop=4, scenecut=0)
    bench = Bench(
        dataset, str(tmp_path / "work"), str(tmp_path / "a.ssf"), options=options, check_gops=1
    )
    assert bench.coder._pixels_of(bench.path) == 8 * 24 * 16
    plan = bench.perform("whole", long_pixels=0).plan
    assert (plan.width, plan.height, plan.gop_frames) == (24, 16, (4, 4))
    parts = tuple(
        bench.perform("part", plan=plan, part=part) for part in (Part(0, 1, 4), Part(1, 1, 4))
    )
    bench.perform("join", plan=plan, parts=parts)
    assert isinstance(bench.perform("verify"), Verified)
    joined = Path(bench.ref.output).read_bytes()
    assert isinstance(bench.perform("whole"), FileDone)
    assert Path(bench.ref.output).read_bytes() == joined


def test_check_decodes_with_the_weights_that_encoded(
    dataset: Any, tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named by their paths, they are in no folder of models."""
    monkeypatch.delenv("STREAMCODEC_WEIGHTS")
    models = {kind: str(tiny_weights / f"tiny-{kind}.safetensors") for kind in ("intra", "inter")}
    options = replace(dataset.coding.options, **models)
    out = str(tmp_path / "a.ssf")
    bench = Bench(dataset, str(tmp_path / "work"), out, options=options, check_gops=1)
    assert isinstance(bench.perform("whole"), FileDone)
    assert isinstance(bench.perform("verify"), Verified)


def test_only_what_workers_left_is_cleared(tmp_path: Path) -> None:
    """The folder of work may be a link to one that holds more: it came with the folder of outputs."""
    folder = tmp_path / "elsewhere" / "tmp"
    folder.mkdir(parents=True)
    link = tmp_path / ".streamcodec"
    link.symlink_to(tmp_path / "elsewhere")
    storage = Storage(str(link))
    with storage.output(str(tmp_path / "a.ssf"), "ab" * 16, ".ssf") as path:
        left = (
            path.with_name(f"{path.name[:-1]}\n.ssf"),
            path.with_name(f".{path.name}.0a.part.ssf"),
        )
        for each in (path, *left):
            each.write_bytes(b"")
    (folder / "precious").write_text("kept")
    (folder / "deep").mkdir()
    clear_temporaries(str(link))
    assert sorted(path.name for path in folder.iterdir()) == ["deep", "precious"]
    (folder / "precious").unlink()
    (folder / "deep").rmdir()
    clear_temporaries(str(link))
    assert not folder.exists()
    clear_temporaries(str(link))
    clear_temporaries("memory://bucket/.streamcodec")
