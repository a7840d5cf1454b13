"""Evaluating clips, in this process and on Ray."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from streamcodec.cli import run
from streamcodec.errors import SourceError, UsageError
from streamcodec.pipelines.evaluation import measure as measuring
from streamcodec.pipelines.evaluation import run as evaluation
from streamcodec.pipelines.evaluation.rows import OURS, Clip, Measurement, Row, Store, read_rows
from streamcodec.pipelines.evaluation.run import evaluate, find_clips, other_rows
from streamcodec.video.source import STREAM_START


def row_for(job: Measurement) -> Row:
    """A row as if it had been measured."""
    better = job.setting if job.codec == OURS else 100 - job.setting
    return Row(
        job.clip.path.stem, job.clip_sha256, job.codec, job.setting, job.gop, job.version, job.options, job.max_frames, 176, 164,
        500 * better, (20 + better / 4,) * 2, 1 - 1 / (2 + better), 2.0, 4.0, 19 + better / 4, (20 + better / 4,) * 3,
    )  # fmt: skip


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The jobs that were measured, in place of measuring them; the clip "broken" cannot be."""
    found = []

    def note(job: Measurement) -> Row | str:
        found.append((job.codec, job.setting))
        return "it is damaged" if job.clip.path.stem == "broken" else row_for(job)

    monkeypatch.setattr(measuring, "row_of", note)
    return found


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in ("fall", "broken"):
        (folder / f"{name}.mp4").write_bytes(name.encode())
    return folder


def test_what_was_measured_is_not_measured_again(
    clips: Path, tmp_path: Path, measured: list[tuple[str, int]]
) -> None:
    settings = {"local": True, "figures": False, "anchors": {"svt-av1": [30]}}
    first = evaluate([clips / "fall.mp4"], tmp_path / "out", qualities=[20], **settings)
    assert measured == [(OURS, 20), ("svt-av1", 30)]
    text = first.report.read_text()
    assert "## fall" in text
    assert (
        evaluate([clips / "fall.mp4"], tmp_path / "out", qualities=[20], **settings).rows
        == first.rows
    )
    evaluate([clips / "fall.mp4"], tmp_path / "out", qualities=[20, 21], **settings)
    assert measured[2:] == [(OURS, 21)]
    assert len(read_rows(tmp_path / "out" / "rows.jsonl")) == 3
    assert (tmp_path / "out" / "rows.csv").read_text().count("\n") == 4


def test_the_rest_goes_on_after_a_failure(
    clips: Path, tmp_path: Path, measured: list[tuple[str, int]]
) -> None:
    said: list[str] = []
    found = evaluate(
        [clips],
        tmp_path / "out",
        qualities=[20],
        anchors=["x264"],
        local=True,
        figures=False,
        say=said.append,
    )
    assert len(measured) == 20
    assert {row.clip for row in found.rows} == {"fall"}
    assert len(found.failures) == 10
    assert found.failures[0] == "broken, streamcodec at 20: it is damaged"
    assert said[:2] == [
        "1/20 failed: broken, streamcodec at 20: it is damaged",
        f"2/20 fall, {OURS} at 20: 1.3858 bpp, 25.00 dB, MS-SSIM 0.9545",
    ]
    assert (
        "## Not measured\n\n- broken, streamcodec at 20: it is damaged" in found.report.read_text()
    )


@pytest.mark.usefixtures("measured")
def test_nothing_that_can_be_measured_fails(clips: Path, tmp_path: Path) -> None:
    with pytest.raises(
        SourceError, match="nothing could be measured: broken, streamcodec at 20: it is damaged"
    ):
        evaluate(
            [clips / "broken.mp4"],
            tmp_path / "out",
            qualities=[20],
            anchors=(),
            local=True,
            figures=False,
        )


@pytest.mark.usefixtures("ray_here")
def test_ray_measures_the_same_as_this_process(
    wide_clip: Path, clips: Path, tiny_models: dict[str, str], tmp_path: Path
) -> None:
    settings = {
        "qualities": [20, 40],
        "anchors": {"x264": [30]},
        "options": {"gop": 2, **tiny_models},
        "max_frames": 2,
        "figures": False,
    }
    on_ray = evaluate([wide_clip, clips / "broken.mp4"], tmp_path / "ray", workers=2, **settings)
    assert sorted(failure.split(":")[0] for failure in on_ray.failures) == [
        "broken, streamcodec at 20", "broken, streamcodec at 40", "broken, x264 at 30",
    ]  # fmt: skip
    here = evaluate([wide_clip], tmp_path / "here", local=True, **settings)
    assert [replace(row, encode_fps=0, decode_fps=0) for row in on_ray.rows] == [
        replace(row, encode_fps=0, decode_fps=0) for row in here.rows
    ]


def kill_worker(job: Measurement, environment: dict[str, str]) -> Row | str:
    """In place of measuring: x264 at 40 kills its worker always, at 30 the first time."""
    mark = Path(environment["MARK"])
    if job.setting == 40 or (job.setting == 30 and not mark.exists()):
        mark.touch()
        os._exit(1)
    return row_for(job)


@pytest.mark.usefixtures("ray_here")
def test_a_worker_that_dies_is_replaced_and_a_job_that_kills_three_has_failed(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ray import cloudpickle

    from streamcodec.pipelines.evaluation import ray_tasks as rd_ray

    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import tests
    monkeypatch.setattr(rd_ray, "_measure", kill_worker)
    monkeypatch.setattr("streamcodec.pipelines.cluster.HANDED_ON", ("MARK",))
    monkeypatch.setenv("MARK", str(tmp_path / "mark"))
    jobs = [Measurement(Clip.of(clips / "fall.mp4"), "x264", crf, 32, "1") for crf in (30, 35, 40)]
    found = {job.setting: outcome for job, outcome in rd_ray.measure_on_ray(jobs, workers=2)}
    assert (found[30], found[35]) == (row_for(jobs[0]), row_for(jobs[1]))
    assert str(found[40]).startswith("3 workers died of it: ")


def test_the_command_writes_a_report_with_curves_of_others(
    clips: Path, tmp_path: Path, measured: list[tuple[str, int]], capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.jsonl"
    Store(other).add(row_for(Measurement(Clip.of(clips / "fall.mp4"), OURS, 33, 2, "0")))
    words = ["evaluate", str(clips), "--out", str(tmp_path / "out"), "--no-figures", "--local"]
    assert (
        run(
            [
                *words,
                "-q",
                "none",
                "--anchor",
                "x264=30,40",
                "--option",
                "gop=2",
                "--also",
                f"before={other}",
                "--frames",
                "2",
            ]
        )
        == 4
    )
    assert measured == [("x264", 30), ("x264", 40), ("x264", 30), ("x264", 40)]
    said = capsys.readouterr()
    assert said.out == f"{tmp_path / 'out' / 'report.md'}\n"
    assert "4/4 fall, x264 at 40" in said.err
    assert {(row.gop, row.max_frames) for row in read_rows(tmp_path / "out" / "rows.jsonl")} == {
        (2, 2)
    }
    assert "| before | 33 |" in (tmp_path / "out" / "report.md").read_text()
    assert (
        run(
            [
                *words[:1],
                str(clips / "fall.mp4"),
                *words[2:],
                "-q",
                "5",
                "-q",
                "9,11",
                "--anchor",
                "none",
                "--quiet",
            ]
        )
        == 0
    )
    assert measured[4:] == [(OURS, 5), (OURS, 9), (OURS, 11)]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-q", "a"], "a list is 'a'; accepted: whole numbers"),
        (["-q", "64"], "quality is 64"),
        (["--anchor", "vp9"], "codec is 'vp9'; accepted: x264 zerolatency"),
        (["--anchor", "svt-av1=70"], "accepted: 0..63"),
        (["-q", "none", "--anchor", "none"], "nothing to measure"),
        (["--option", "speed=3"], "accepted: KEY=VALUE"),
        (["--also", "x264=rows.jsonl"], "accepted: LABEL=FILE"),
        (["--local", "--workers", "2"], "workers are 2 in this process alone"),
    ],
)
def test_other_arguments_fail(
    words: list[str], message: str, clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        run(["evaluate", str(clips), "--out", str(tmp_path / "out"), "--no-figures", *words]) == 2
    )
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("measured")
def test_without_matplotlib_there_are_tables(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "can_draw", lambda: False)
    said: list[str] = []
    settings = {"qualities": [20], "anchors": {"x264": [30]}, "local": True, "say": said.append}
    found = evaluate([clips / "fall.mp4"], tmp_path / "out", **settings)
    text = found.report.read_text()
    assert "No curves: they need matplotlib, `pip install 'streamcodec[report]'`" in text
    assert said[-1].startswith("No curves: they need matplotlib")
    assert "| streamcodec | 20 |" in text
    assert "![" not in text
    quiet = evaluate([clips / "fall.mp4"], tmp_path / "out", figures=False, **settings)
    assert "No curves" not in quiet.report.read_text()


@pytest.mark.parametrize("also", ["rows.jsonl", "x264=rows.jsonl", "before=none.jsonl"])
def test_other_reports_fail(also: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows.jsonl").touch()
    with pytest.raises(UsageError, match="accepted: LABEL=FILE"):
        other_rows(also)


def test_folders_give_their_videos(tmp_path: Path) -> None:
    for name in ("b.mp4", "a.MKV", "notes.txt"):
        (tmp_path / name).write_bytes(name.encode())
    assert [clip.path.name for clip in find_clips([tmp_path])] == ["a.MKV", "b.mp4"]
    assert len({clip.sha256 for clip in find_clips([tmp_path])}) == 2


def test_clips_fail(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        find_clips([tmp_path / "none.mp4"])
    with pytest.raises(UsageError, match="no video is found in"):
        find_clips([tmp_path])
    (tmp_path / "a.mp4").touch()
    with pytest.raises(UsageError, match="each of its own name"):
        find_clips([tmp_path / "a.mp4", tmp_path])
    (tmp_path / "a.ssf").write_bytes(STREAM_START + b"more")
    with pytest.raises(
        UsageError, match=r"a\.ssf is an \.ssf stream; .* compare` measures streams"
    ):
        find_clips([tmp_path / "a.ssf"])
