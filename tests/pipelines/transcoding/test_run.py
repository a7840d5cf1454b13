"""Datasets through Ray, both ways: bytes, broken inputs, second runs, the command line."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import streamcodec
from streamcodec.cli import run
from streamcodec.errors import OutputError, SourceError, UsageError
from streamcodec.pipelines.files.locations import FileRef
from streamcodec.pipelines.transcoding.manifest.driverlock import driver_lock
from streamcodec.pipelines.transcoding.messages import PendingFile
from streamcodec.pipelines.transcoding.recipe import Coding
from streamcodec.pipelines.transcoding.schedule.options import SchedulerOptions

pytest.importorskip("ray", reason="Ray is not installed")

from streamcodec.pipelines.transcoding.run import _inside, transcode

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own


@pytest.mark.usefixtures("ray_here")
def test_videos_become_the_streams_of_a_single_process_and_videos_again(
    dataset: Any, verified: SchedulerOptions, log_of: Any, tmp_path: Path
) -> None:
    """Short ones in batches, a long one in parts; then nothing is left to do; then back."""
    frames = {"a.mp4": 5, "b.mp4": 9, "below/c.mp4": 12, "long.mp4": 60}
    for name, count in frames.items():
        dataset.add(name, count)
    out, back = tmp_path / "out", tmp_path / "back"
    seen: list[Any] = []
    summary = transcode(
        dataset.folder,
        out,
        coding=dataset.coding,
        workers=2,
        scheduling=verified,
        progress=seen.append,
    )
    assert summary.exit_code == 0
    assert summary.totals.done == len(frames)
    assert summary.frames == sum(frames.values())
    assert seen[-1].frames == summary.frames
    for name in frames:
        assert (out / name).with_suffix(".ssf").read_bytes() == dataset.encoded(name), name
    work = log_of(out).work_done()
    assert len({gop for kind, _, gop in work if kind == "part"}) > 1
    assert len([kind for kind, _, _ in work if kind == "verify"]) == len(frames)
    assert not list((out / ".streamcodec" / "parts").rglob("*.part"))

    again = transcode(dataset.folder, out, coding=dataset.coding, workers=2, scheduling=verified)
    assert (again.exit_code, again.totals.kept) == (0, len(frames))
    assert log_of(out).work_done() == work

    videos = transcode(
        out, back, coding=Coding(to="mkv", codec="ffv1"), workers=2, scheduling=verified
    )
    assert (videos.exit_code, videos.totals.done, videos.frames) == (
        0,
        len(frames),
        sum(frames.values()),
    )
    with streamcodec.open(out / "below" / "c.ssf") as stream:
        assert len(stream) == frames["below/c.mp4"]
    streamcodec.decode(out / "a.ssf", tmp_path / "a.mkv", codec="ffv1")
    assert pictures(back / "a.mkv") == pictures(tmp_path / "a.mkv")


def pictures(path: Path) -> list[bytes]:
    from streamcodec.video import VideoReader

    return [frame.planes[0].tobytes() for frame in VideoReader(path)]


def break_videos(dataset: Any) -> set[str]:
    """Add five files that are no videos, or no whole ones; their names."""
    folder = dataset.folder
    (folder / "text.mp4").write_text("not a video\n" * 50)
    (folder / "empty.mp4").touch()
    whole = dataset.add("cut.mp4", 30).read_bytes()
    (folder / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (folder / "gone.mp4").symlink_to(folder / "nowhere.mp4")
    (folder / "stream.mp4").write_bytes(dataset.encoded("good0.mp4"))
    return {"text.mp4", "empty.mp4", "cut.mp4", "gone.mp4", "stream.mp4"}


@pytest.mark.usefixtures("ray_here")
def test_broken_videos_fail_and_the_rest_is_done(
    dataset: Any, tmp_path: Path, log_of: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    for number in range(5):
        dataset.add(f"good{number}.mp4", 3)
    broken = break_videos(dataset)
    options = dataset.coding.options
    command = [
        "transcode",
        str(dataset.folder),
        "--out",
        str(out),
        "--workers",
        "2",
        "--gop",
        "8",
        "--device",
        "cpu",
        "--psnr",
    ]
    command += ["--intra", options.intra, "--inter", options.inter, "--json"]
    assert run(command) == 4
    report = json.loads(capsys.readouterr().out)
    assert (report["totals"]["done"], report["totals"]["failed"]) == (5, 5)
    rows = {Path(row["input"]).name: row for row in report["files"]}
    assert {name for name, row in rows.items() if row["state"] == "failed"} == broken
    assert all("Traceback" in rows[name]["traceback"] for name in broken)
    assert rows["good1.mp4"]["psnr_db"] > 5
    assert sorted(path.name for path in out.glob("*.ssf")) == [
        f"good{number}.ssf" for number in range(5)
    ]
    assert not (out / ".streamcodec" / "tmp").exists()

    before = log_of(out).events("started")
    assert run(command) == 4  # nothing is tried again unless it is asked for
    assert log_of(out).events("started") == before
    dataset.add("text.mp4", 2)
    assert run([*command[:1], str(out / ".streamcodec" / "failed.txt"), *command[2:]]) == 4
    assert (out / "text.ssf").exists()


@pytest.mark.usefixtures("ray_here")
def test_too_many_failures_stop_the_run(dataset: Any, tmp_path: Path) -> None:
    for number in range(6):
        (dataset.folder / f"{number}.mp4").write_text("x" * (100 - number))
    said: list[str] = []
    scheduling = SchedulerOptions(max_failures=1, max_batch=1)
    summary = transcode(
        dataset.folder,
        tmp_path / "out",
        coding=dataset.coding,
        workers=1,
        scheduling=scheduling,
        say=said.append,
    )
    assert summary.exit_code == 4
    assert (summary.totals.failed, summary.totals.pending) == (2, 4)
    assert said == ["stopped: more than 1 file failed"]


@pytest.mark.usefixtures("ray_here")
def test_inputs_and_outputs_behind_urls(
    dataset: Any, cut_up: SchedulerOptions, tmp_path: Path
) -> None:
    """fsspec's local:// stands for a store that the driver and the workers see, but not as paths."""
    dataset.add("a.mp4", 4)
    dataset.add("long.mp4", 50)
    out = tmp_path / "store"
    summary = transcode(
        f"local://{dataset.folder}",
        f"local://{out}",
        coding=dataset.coding,
        workers=2,
        scheduling=cut_up,
        state=tmp_path / "state",
    )
    assert summary.exit_code == 0
    for name in ("a", "long"):
        assert (out / f"{name}.ssf").read_bytes() == dataset.encoded(f"{name}.mp4")
    assert sorted(path.name for path in out.rglob("*") if path.is_file()) == ["a.ssf", "long.ssf"]


def test_an_output_of_someone_else_fails(dataset: Any, tmp_path: Path) -> None:
    dataset.add("a.mp4", 2)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.ssf").write_text("mine")
    with pytest.raises(UsageError, match=r"out/a.ssf exists, and was not made here before"):
        transcode(dataset.folder, tmp_path / "out", coding=dataset.coding)
    assert (tmp_path / "out" / "a.ssf").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sources": []}, "there are no sources"),
        ({"workers": 0}, "workers are 0"),
        ({"name": "{nothing}.ssf"}, "pattern is '{nothing}.ssf'"),
    ],
)
def test_wrong_arguments_fail(
    dataset: Any, tmp_path: Path, arguments: dict[str, Any], message: str
) -> None:
    dataset.add("a.mp4", 2)
    with pytest.raises(UsageError, match=message):
        transcode(
            **{"sources": dataset.folder, "out": tmp_path / "out", "coding": dataset.coding}
            | arguments
        )


def test_a_source_that_is_not_there_fails(dataset: Any, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nowhere"):
        transcode(tmp_path / "nowhere", tmp_path / "out", coding=dataset.coding)


def test_gops_to_verify_without_verify_fail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        run(["transcode", str(tmp_path), "--out", str(tmp_path / "out"), "--verify-gops", "2"]) == 2
    )
    assert "--verify-gops is given without --verify" in capsys.readouterr().err


def test_without_ray_the_error_says_what_to_install(
    dataset: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    dataset.add("a.mp4", 2)
    for name in ("cluster", "transcoding.ray_workers", "transcoding.run"):
        monkeypatch.delitem(sys.modules, f"streamcodec.pipelines.{name}")
    monkeypatch.setitem(sys.modules, "ray", None)
    assert run(["transcode", str(dataset.folder), "--out", str(tmp_path / "out")]) == 2
    assert "pip install 'streamcodec[ray]'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_nothing_to_do_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without Ray: nothing is started for it."""
    folder = tmp_path / "none"
    folder.mkdir()
    (folder / "notes.txt").write_text("no video")
    assert run(["transcode", str(folder), "--out", str(tmp_path / "out"), "--quiet"]) == 0
    assert "no file matches: the sources hold none of .3gp" in capsys.readouterr().err


@pytest.mark.usefixtures("ray_here")
def test_a_run_with_nothing_to_do_leaves_the_report_and_starts_no_ray(
    dataset: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    dataset.add("a.mp4", 3)
    (dataset.folder / "b.mp4").write_text("no video")
    out, options = tmp_path / "out", dataset.coding.options
    command = ["transcode", str(dataset.folder), "--out", str(out), "--workers", "1"]
    command += ["--intra", options.intra, "--inter", options.inter, "--device", "cpu"]
    assert run(command) == 4
    assert "--retry-failed tries them again" in capsys.readouterr().out
    folder = out / ".streamcodec"
    names = ("report.html", "report.json", "failed.txt")
    before = {name: (folder / name).read_bytes() for name in names}
    assert b"data:image/jpeg;base64," in before["report.html"]

    def no_ray(*_: object) -> None:
        raise AssertionError("Ray is started")

    monkeypatch.setattr("streamcodec.pipelines.transcoding.run.connected", no_ray)
    assert run(command) == 4
    said = capsys.readouterr()
    assert "nothing to do: 1 of 2 files are done, 1 failed before (--retry-failed" in said.err
    assert "transcode:" not in said.err  # no bar
    assert "done before     1 file" in said.out
    assert "done            0" not in said.out
    assert {name: (folder / name).read_bytes() for name in names} == before

    wall = json.loads(before["report.json"])["wall_seconds"]
    assert run([*command, "--json"]) == 4
    told = json.loads(capsys.readouterr().out)
    assert (told["totals"]["kept"], told["runs"], told["wall_seconds"]) == (1, 1, wall)
    (folder / "report.html").unlink()  # as if the first run was killed before it reported
    assert run(command) == 4
    again = (folder / "report.html").read_text()
    assert "nothing was left to do" in again
    assert '<b class="good">1</b><span>done, 1 of them before</span>' in again


def test_dry_run_tells_sizes_and_writes_nothing(
    dataset: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset.add("a.mp4", 6)
    (dataset.folder / "b.mp4").write_text("no video")
    options = dataset.coding.options
    command = [
        "transcode",
        str(dataset.folder),
        "--out",
        str(tmp_path / "out"),
        "--intra",
        options.intra,
        "--inter",
        options.inter,
    ]
    assert run([*command, "--dry-run", "--device", "cpu", "--quiet"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("2 files to do, ")
    assert " frames, 0 s with one worker" in said.out
    assert "b.mp4" in said.err
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("ray_here")
@pytest.mark.parametrize("option", ["--force", "--no-resume"])
def test_everything_is_done_again_on_demand(dataset: Any, tmp_path: Path, option: str) -> None:
    dataset.add("a.mp4", 2)
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.ssf").write_bytes(b"not made here")
    models = dataset.coding.options
    command = ["transcode", str(dataset.folder), "--out", str(out), "--gop", "8", "--scenecut", "0"]
    command += ["--intra", models.intra, "--inter", models.inter, "--workers", "1", "--quiet"]
    assert run(command) == 2
    assert (out / "a.ssf").read_bytes() == b"not made here"
    assert run([*command, option]) == 0
    assert (out / "a.ssf").read_bytes() == dataset.encoded("a.mp4")


def test_one_folder_of_outputs_has_one_driver(dataset: Any, tmp_path: Path) -> None:
    """Also where the second one keeps its state elsewhere: it would clear what the first one's workers are writing."""
    dataset.add("a.mp4", 2)
    out = tmp_path / "out"
    writing = out / ".streamcodec" / "tmp" / "a.part"
    writing.parent.mkdir(parents=True)
    writing.touch()
    with (
        driver_lock(out / ".streamcodec" / "outputs"),
        pytest.raises(OutputError, match=r"out is in use by pid \d+ on"),
    ):
        transcode(dataset.folder, out, coding=dataset.coding, state=tmp_path / "state")
    assert writing.exists()


def test_manifest_that_leads_out_is_refused(dataset: Any, tmp_path: Path) -> None:
    """One that others have made may hold a file for the run to come."""
    dataset.add("a.mp4", 2)
    out = tmp_path / "out"
    elsewhere = tmp_path / "elsewhere.ssf"
    ref = FileRef(1, str(dataset.folder / "a.mp4"), str(elsewhere), 10, "ab" * 16)
    with pytest.raises(OutputError, match=r"the manifest leads out of .*, to .*elsewhere\.ssf"):
        list(_inside(iter([PendingFile(ref)]), str(out)))
    inside = PendingFile(replace(ref, output=str(out / "a.ssf")))
    assert list(_inside(iter([inside]), str(out))) == [inside]
