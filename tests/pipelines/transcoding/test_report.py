"""Reports and progress of a job."""

import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from streamcodec.cli.common import of_command_line
from streamcodec.errors import NotInstalledError, OutputError, UsageError
from streamcodec.pipelines.files.sources import Item, list_sources
from streamcodec.pipelines.plots import histogram, inline_svg, scatter
from streamcodec.pipelines.transcoding.manifest.manifest import Manifest
from streamcodec.pipelines.transcoding.messages import FileDone, FileError
from streamcodec.pipelines.transcoding.report import summary as summary_module
from streamcodec.pipelines.transcoding.report.progress import Snapshot, show_progress, snapshot_of
from streamcodec.pipelines.transcoding.report.report import print_summary, write_report
from streamcodec.pipelines.transcoding.schedule.options import SchedulerOptions
from streamcodec.pipelines.transcoding.schedule.scheduler import Scheduler
from support.pages import Page

pytestmark = pytest.mark.slow

EVIL = "<script>alert('&')</script>"


def fill(
    manifest: Manifest, files: int = 30, failures: int = 4, psnr_db: float | None = 35.0
) -> None:
    manifest.begin({"quality": 32}, ["model-id"], ["transcode", EVIL])
    manifest.add(
        (
            Item(f"/in/{number}{EVIL if number == 0 else ''}.mp4", "x", 1000 + number, "v"),
            f"/out/{number}",
        )
        for number in range(files)
    )
    for number, job in enumerate(manifest.jobs()):
        file = job.ref.file
        manifest.started(job.ref.file, "w")
        if number < files - failures:
            quality = None if psnr_db is None else psnr_db + number / 10
            manifest.written(
                FileDone(file, 100 + number, 20, 1, 64, 48, 0.5 + number / 100, quality),
                "w",
                final=True,
            )
        else:
            manifest.failed(
                FileError(file, f"SourceError: {EVIL} is\nno video", f"Traceback {EVIL}"), "w"
            )
    manifest.finish()


@pytest.fixture
def manifest(tmp_path: Path) -> Iterator[Manifest]:
    with Manifest.open(tmp_path / "manifest.sqlite") as opened:
        yield opened


def drawings(page: str) -> list[ElementTree.Element]:
    """The charts of a page, as SVG."""
    return [ElementTree.fromstring(each) for each in re.findall("<svg .*?</svg>", page, re.DOTALL)]


def titles(drawing: ElementTree.Element) -> list[str]:
    """What shows over the dots."""
    return [title.text or "" for title in drawing.iterfind(".//use/title")]


def test_page_is_whole_and_needs_nothing_else(manifest: Manifest, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    fill(manifest)
    write_report(manifest, tmp_path)
    text = (tmp_path / "report.html").read_text()
    page = Page(text)
    assert page.open == []
    assert all(address.startswith("#m") for address in page.addresses)  # shapes of the charts
    assert not re.search(r"url\((?!#)|@import|https?://", text)
    assert len(drawings(text)) == 4
    assert "Median 0.0147 bits per pixel" in text
    assert "<th>settings</th><td>quality 32</td>" in text
    assert "<tr><td>SourceError</td><td>4</td></tr>" in text
    assert text.count("<details>") == 4
    assert "&lt;script&gt;alert(" in text


def test_dots_bear_the_names_of_their_files(manifest: Manifest, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    fill(manifest)
    write_report(manifest, tmp_path)
    size, quality, speed, lengths = drawings((tmp_path / "report.html").read_text())
    assert titles(size) == titles(speed) == []
    for drawing in (quality, lengths):
        assert len(titles(drawing)) == len({*titles(drawing)}) == 26
    assert "29.mp4\n0.0130 bits per pixel, 35.00 dB" in titles(quality)
    assert "29.mp4\n20 frames, 40.0 per second" in titles(lengths)
    shapes = [shape.get("id") for each in (size, quality) for shape in each.iter("path")]
    used = {use.get("href") for each in (size, quality) for use in each.iter("use")}
    assert used <= {f"#{shape}" for shape in shapes}


def test_page_without_quality_or_failures_or_files(manifest: Manifest, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    fill(manifest, failures=0, psnr_db=None)
    write_report(manifest, tmp_path)
    text = (tmp_path / "report.html").read_text()
    assert len(drawings(text)) == 3
    assert "Failed inputs" not in text
    manifest.begin({}, [])
    manifest.finish()
    write_report(manifest, tmp_path)
    assert "No file is done yet" in (tmp_path / "report.html").read_text()


def test_page_without_matplotlib_has_all_but_the_charts(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamcodec.pipelines.transcoding.report.html.can_draw", lambda: False)
    fill(manifest)
    write_report(manifest, tmp_path)
    text = (tmp_path / "report.html").read_text()
    page = Page(text)
    assert page.open == []
    assert "svg" not in page.tags
    assert (
        "pip install &#39;streamcodec[report]&#39;" in text
        or "pip install 'streamcodec[report]'" in text
    )
    assert "Failed inputs" in text


def test_figures_without_matplotlib_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(NotInstalledError, match=r"pip install 'streamcodec\[report\]'"):
        histogram([1.0], "x")


@pytest.mark.parametrize("value", [0.0, 3.0])
def test_charts_of_one_value(value: float) -> None:
    pytest.importorskip("matplotlib")
    for figure in (histogram([value], "x"), scatter([(value, value)], "x", "y")):
        assert "nan" not in inline_svg(figure, "one").lower()


def test_histogram_counts_every_value() -> None:
    pytest.importorskip("matplotlib")
    [axes] = histogram([0.101, 0.11, 0.51, 1.0], "x").axes
    assert [bar.get_height() for bar in axes.patches if bar.get_height()] == [2, 1, 1]


def test_the_same_data_draw_the_same_bytes() -> None:
    pytest.importorskip("matplotlib")
    assert inline_svg(histogram([1.0, 2.0], "x"), "a") == inline_svg(
        histogram([1.0, 2.0], "x"), "a"
    )


def test_json_and_parquet_have_every_file(manifest: Manifest, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    fill(manifest)
    write_report(manifest, tmp_path, parquet=True)
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["totals"] == {
        "done": 26,
        "kept": 0,
        "failed": 4,
        "skipped": 0,
        "pending": 0,
        "pending_bytes": 0,
    }
    assert report["run"]["settings"] == {"quality": 32}
    assert report["errors"] == {"SourceError": 4}
    assert report["exit_code"] == 4
    assert report["frames"] == 26 * 20
    rows = parquet.read_table(tmp_path / "report.parquet").to_pylist()
    assert rows == report["files"]
    first = next(row for row in rows if row["input"] == "/in/29.mp4")
    assert first["bpp"] == pytest.approx(8 * 100 / (20 * 64 * 48))
    assert first["fps"] == pytest.approx(40)


def test_failed_list_is_an_input_that_retries(manifest: Manifest, tmp_path: Path) -> None:
    fill(manifest)
    write_report(manifest, tmp_path)
    items = list(list_sources([str(tmp_path / "failed.txt")]))
    assert [item.location for item in items] == [row.input for row in manifest.files("failed")]
    assert len(items) == 4
    assert all(item.retry for item in items)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            "CorruptStreamError: /in/a.ssf: a CRC is wrong; --on-damage skip (on_damage='skip') helps",
            "a CRC is wrong; --on-damage skip helps",
        ),
        ("SourceError: /in/a.ssf is damaged after 3 frames", "is damaged after 3 frames"),
        ("SourceError: cannot open /in/a.ssf", "cannot open /in/a.ssf"),
    ],
)
def test_summary_tells_failures_in_the_words_of_the_command_line(
    manifest: Manifest, tmp_path: Path, error: str, said: str
) -> None:
    """And names the input once."""
    manifest.begin({}, [])
    manifest.add([(Item("/in/a.ssf", "x", 1000, "v"), "/out/a")])
    [job] = manifest.jobs()
    manifest.failed(FileError(job.ref.file, error, ""), "w")
    manifest.finish()
    out = io.StringIO()
    print_summary(write_report(manifest, tmp_path), manifest, out, of_command_line)
    assert f"\nfailed: /in/a.ssf: {said}\n" in out.getvalue()


def test_summary_on_a_terminal(manifest: Manifest, tmp_path: Path) -> None:
    fill(manifest, failures=12)
    out = io.StringIO()
    print_summary(write_report(manifest, tmp_path), manifest, out)
    lines = out.getvalue().splitlines()
    assert lines[0].split() == ["done", "18", "files"]
    assert lines[1].split() == ["failed", "12", "files"]
    assert sum(line.startswith("failed: /in/") for line in lines) == 10
    assert lines[-2:] == ["... and 2 more, all in failed.txt", "--retry-failed tries them again"]


@pytest.mark.parametrize(
    ("failures", "state", "code"), [(0, "finished", 0), (1, "finished", 4), (1, "cancelled", 130)]
)
def test_exit_codes(
    manifest: Manifest, tmp_path: Path, failures: int, state: str, code: int
) -> None:
    fill(manifest, failures=failures)
    manifest.finish(state)
    assert write_report(manifest, tmp_path).exit_code == code


def test_large_job_is_sampled(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summary_module, "SAMPLE", 10)
    fill(manifest)
    report = write_report(manifest, tmp_path)
    assert len({row.input for row in report.sample}) == 10
    assert {row.input for row in report.sample} != {f"/in/{number}.mp4" for number in range(4, 14)}
    assert report.output_bytes == sum(range(100, 126))


def test_report_without_pyarrow(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(manifest)
    monkeypatch.setattr(
        "streamcodec.pipelines.transcoding.report.report.find_spec", lambda name: None
    )
    write_report(manifest, tmp_path)
    assert not (tmp_path / "report.parquet").exists()
    with pytest.raises(UsageError, match="pyarrow is not installed; accepted: pip install pyarrow"):
        write_report(manifest, tmp_path, parquet=True)


def test_report_of_nothing_or_to_nowhere_fails(manifest: Manifest, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no run to report"):
        write_report(manifest, tmp_path)
    fill(manifest)
    with pytest.raises(OutputError, match="none is not a folder"):
        write_report(manifest, tmp_path / "none")


def snapshot(**changes: float) -> Snapshot:
    values = {
        "total": 10,
        "kept": 0,
        "done": 3,
        "failed": 0,
        "skipped": 0,
        "gops": 12,
        "frames": 240,
        "tasks": 2,
        "share": 0.3,
    }
    return Snapshot(**values | {"elapsed_seconds": 60.0, "seconds_left": 140.0} | changes)  # type: ignore[arg-type]


def test_snapshot_as_text() -> None:
    assert snapshot().text == "30 %, 3/10 files, 12 GOPs, 4.0 fps, 2 min 20 s left"
    assert ", 1 GOP, " in snapshot(gops=1).text
    assert (
        snapshot(failed=1, kept=5).text
        == "30 %, 4/10 files, 12 GOPs, 4.0 fps, 5 done before, 1 failed, 2 min 20 s left"
    )


def test_snapshot_of_a_scheduler(manifest: Manifest) -> None:
    manifest.begin({}, [])
    listed = manifest.add(
        (Item(f"/in/{number}", "x", 1000, "v"), f"/out/{number}") for number in range(4)
    )
    scheduler = Scheduler(manifest.jobs(), SchedulerOptions(max_batch=1), manifest)
    assert snapshot_of(scheduler, listed, 0.0).seconds_left is None
    task = scheduler.next_task("w")
    assert task is not None
    scheduler.reported("w", FileDone(task.files[0].file, 1, 50, 2, 8, 8, 1.0))
    scheduler.ended("w")
    shot = snapshot_of(scheduler, listed, 10.0)
    assert (shot.total, shot.done, shot.share, shot.fps) == (4, 1, 0.25, 5.0)
    assert shot.seconds_left == pytest.approx(30)


def test_lines_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("streamcodec.progress.time.monotonic", lambda: now[0])
    out = io.StringIO()
    with show_progress(out, every_seconds=10) as show:
        for second in range(25):
            now[0] = second
            show(snapshot(done=second))
    assert [line.split("%")[1].split()[1] for line in out.getvalue().splitlines()] == [
        "10/10",
        "20/10",
        "24/10",
    ]
    assert out.getvalue().startswith("transcode: 30 %, 10/10 files")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "150")
    monkeypatch.setattr(sys, "stderr", Terminal())
    with show_progress() as show:
        show(snapshot())
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", sys.stderr.getvalue())  # type: ignore[attr-defined]
    assert "30 %, 3/10 files, 12 GOPs, 4.0 fps" in shown
