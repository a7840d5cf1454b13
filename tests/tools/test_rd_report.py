"""The RD report: what is planned, kept, tabulated and drawn."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import rd_report
from rd.plan import parse_options, plan
from rd.rows import OURS, Clip, Job, Row, Store, find_clips, key_of, latest, read_rows
from rd.tables import METRICS, bd_rates, bd_table, decibels, drop_table, points_table

from streamcodec.errors import UsageError

CLIP = Clip(Path("a/park.mp4"), "00ff")


def row_of(codec: str = OURS, setting: int = 32, bpp: float = 0.5, psnr_db: float = 30, clip: str = "park") -> Row:
    """3 frames whose mean PSNR is `psnr_db`; MS-SSIM rises with it."""
    psnr = (psnr_db + 1, psnr_db, psnr_db - 1)
    return Row(
        clip,
        clip,
        codec,
        setting,
        32,
        "1",
        {},
        None,
        100,
        80,
        round(bpp * 3000),
        psnr,
        1 - 10 ** (-psnr_db / 20),
        encode_fps=2,
        decode_fps=4,
    )


def curve(codec: str, factor: float = 1, clip: str = "park", points: Sequence[float] = (30, 33, 36, 40)) -> list[Row]:
    return [row_of(codec, number, factor * 0.1 * 2**number, psnr_db, clip) for number, psnr_db in enumerate(points)]


def test_bd_rate_of_rows() -> None:
    rows = curve(OURS, 0.9) + curve("x264")
    for metric in METRICS:
        found = bd_rates(rows, "x264", OURS, metric)["park"]
        assert found.percent == pytest.approx(-10, abs=0.1)
    assert "| park | -10.0 % (30.0 to 40.0 dB) |" in bd_table(rows, OURS, METRICS[0])


def test_bd_table_says_why_a_clip_has_none_and_what_the_mean_is_of() -> None:
    fallen = curve(OURS, clip="fall", points=(30, 33, 32, 40))
    rows = curve(OURS, 1.2) + fallen + curve("x264") + curve("x264", clip="fall") + curve("x265")
    assert bd_table(rows, OURS, METRICS[0]).splitlines() == [
        "| clip | x264 | x265 |",
        "|---|---|---|",
        "| park | +20.0 % (30.0 to 40.0 dB) | +20.0 % (30.0 to 40.0 dB) |",
        "| fall | - [1] | - |",
        "| **mean** | **+20.0 %** (1 of 2 clips) | **+20.0 %** (1 of 2 clips) |",
        "",
        "[1] a rate curve goes from (0.2, 33.0) to (0.4, 32.0) (rate, quality); accepted: quality that rises with the rate",
    ]


def test_points_and_drops_are_shown_by_rate() -> None:
    rows = curve(OURS)[::-1]
    lines = points_table(rows, "park").splitlines()
    assert lines[2] == f"| {OURS} | 0 | 0.1000 | 30.00 | {rows[-1].ms_ssim:.4f} | +1.00 | 2.00 | 4.00 |"
    assert [line.split(" | ")[1] for line in lines[2:]] == ["0", "1", "2", "3"]
    assert drop_table(rows).splitlines()[2] == "| park | +1.00 to +1.00 |"


def test_the_drop_is_within_the_first_gop() -> None:
    row = replace(row_of(), psnr_yuv_db=(40, 38, 37, 36, 40, 30), gop=4)
    assert row.gop_drop_db == 2
    assert replace(row, gop=1).gop_drop_db == 0


def test_decibels_of_similarity() -> None:
    assert decibels(0.99) == pytest.approx(20)
    assert decibels(1.0) == float("inf")


def test_a_plan_has_ours_first_and_the_same_gop_for_all(tiny_models: dict[str, str]) -> None:
    options = parse_options(["gop=5", *(f"{key}={value}" for key, value in tiny_models.items())])
    jobs = plan([CLIP], [63, 0, 0], ["x264"], [30], options, 7)
    assert [(job.codec, job.setting, job.gop, job.max_frames) for job in jobs] == [(OURS, 0, 5, 7), (OURS, 63, 5, 7), ("x264", 30, 5, 7)]
    assert jobs[0].options == {"scenecut": 0, **tiny_models}
    assert jobs[0].version.count(" and ") == 1


def test_options_are_parsed_as_json_or_text() -> None:
    assert parse_options(["gop=5", "hash=false", "precision=bf16", "device=null", "scenecut=0.5"]) == {
        "gop": 5, "hash": False, "precision": "bf16", "device": None, "scenecut": 0.5,
    }  # fmt: skip


@pytest.mark.parametrize("setting", ["speed=3", "gop", "quality=3", "target_bpp=1"])
def test_other_options_fail(setting: str) -> None:
    with pytest.raises(UsageError, match="accepted: KEY=VALUE with KEY of gop"):
        parse_options([setting])


@pytest.mark.parametrize(
    ("qualities", "options", "message"),
    [
        ([64], {}, "quality is 64"),
        ([1], {"gop": "many"}, "GOP length is 'many'"),
        ([1], {"scenecut": "no"}, "threshold is 'no'"),
        ([], {}, "nothing to measure"),
    ],
)
def test_a_plan_fails_before_anything_is_measured(qualities: list[int], options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        plan([CLIP], qualities, [], [30], options)


def test_a_job_is_known_by_what_decides_its_bits() -> None:
    job = Job(CLIP, OURS, 32, 32, "1", {"intra": "a.safetensors", "scenecut": 0})
    assert key_of(job) == key_of(replace(job, options={"intra": "b.safetensors", "scenecut": 0}))
    others = [
        {"setting": 33},
        {"gop": 8},
        {"version": "2"},
        {"options": {"scenecut": 0.3}},
        {"max_frames": 9},
        {"clip": Clip(CLIP.path, "1")},
    ]
    assert len({key_of(job), *(key_of(replace(job, **other)) for other in others)}) == 7


def test_the_store_keeps_rows(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    row = replace(row_of(), clip_sha256=CLIP.sha256)
    Store(path).add(row)
    job = Job(CLIP, OURS, 32, 32, "1")
    assert Store(path).get(job) == row
    assert Store(path).get(replace(job, setting=31)) is None


def test_the_store_cuts_off_half_a_line_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    Store(path).add(row_of())
    with path.open("a") as file:
        file.write('{"clip": "pa')
    store = Store(path)
    store.add(row_of(setting=40))
    assert [row.setting for row in read_rows(path)] == [32, 40]


@pytest.mark.parametrize("line", ["nonsense", "{}", '{"psnr_yuv_db": [1], "colour": 3}', "[]"])
def test_another_file_fails(tmp_path: Path, line: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(UsageError, match="line 1 is no row"):
        Store(path)


def test_the_last_row_of_a_setting_counts() -> None:
    assert [row.bpp for row in latest([row_of(bpp=0.5), row_of(bpp=0.75), row_of("x264")])] == [0.75, 0.5]


def test_folders_give_their_videos(tmp_path: Path) -> None:
    for name in ("b.mp4", "a.MKV", "notes.txt"):
        (tmp_path / name).write_bytes(name.encode())
    assert [clip.path.name for clip in find_clips([tmp_path])] == ["a.MKV", "b.mp4"]
    assert len({clip.sha256 for clip in find_clips([tmp_path])}) == 2


def test_clips_fail(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        find_clips([tmp_path / "none.mp4"])
    with pytest.raises(UsageError, match="at least one"):
        find_clips([tmp_path])
    (tmp_path / "a.mp4").touch()
    with pytest.raises(UsageError, match="each of its own name"):
        find_clips([tmp_path / "a.mp4", tmp_path])


def arguments(clip: Path, out: Path, models: dict[str, str], *more: str) -> list[str]:
    settings = [f"{key}={value}" for key, value in models.items()]
    return [str(clip), "--out", str(out), "--frames", "2", "--crf", "30", "--no-figures", "--encode-options", *settings, *more]


def test_a_report_is_resumed(wide_clip: Path, tiny_models: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = arguments(wide_clip, tmp_path, tiny_models, "--quality", "20", "--anchors", "x264")
    rd_report.run(rd_report.parse(words))
    first = (tmp_path / "report.md").read_text()
    assert "## wide" in first
    assert f"| {OURS} | 20 | " in first

    measured = []

    def counted(job: Job) -> Row:
        measured.append((job.codec, job.setting))
        return replace(read_rows(tmp_path / "rows.jsonl")[0], setting=job.setting)

    monkeypatch.setattr(rd_report, "measure", counted)
    rd_report.run(rd_report.parse(words))
    assert (tmp_path / "report.md").read_text() == first
    assert measured == []
    rd_report.run(rd_report.parse([*words, "--quality", "20", "21"]))
    assert measured == [(OURS, 21)]


def test_a_report_by_other_processes_takes_other_reports_too(wide_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "other.jsonl"
    Store(other).add(replace(row_of(), clip="wide", clip_sha256=Clip.of(wide_clip).sha256))
    words = ["--quality", "--anchors", "x264", "--jobs", "2", "--also", f"before={other}"]
    monkeypatch.setattr(sys, "argv", ["rd_report", *arguments(wide_clip, tmp_path, {"gop": "2"}, *words)])
    rd_report.main()
    assert [(row.codec, row.gop) for row in read_rows(tmp_path / "rows.jsonl")] == [("x264", 2)]
    report = (tmp_path / "report.md").read_text()
    assert "| before | 32 | 0.5000 | 30.00 |" in report
    assert "- x264: PyAV" in report


def test_the_command_says_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["rd_report", str(tmp_path / "none.mp4"), "--out", str(tmp_path), "--no-figures", "--quality"])
    with pytest.raises(SystemExit, match=r"rd_report: .*none\.mp4 does not exist"):
        rd_report.main()


@pytest.mark.parametrize("also", ["rows.jsonl", "x264=rows.jsonl", "before=none.jsonl"])
def test_other_reports_fail(also: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows.jsonl").touch()
    with pytest.raises(UsageError, match="accepted: LABEL=FILE"):
        rd_report.other_rows(also)


def test_no_processes_and_no_matplotlib_fail(wide_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="--jobs is 0"):
        rd_report.run(rd_report.parse(arguments(wide_clip, tmp_path, {}, "--jobs", "0")))
    monkeypatch.setattr(rd_report, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"streamcodec\[report\]"):
        rd_report.run(rd_report.parse([str(wide_clip), "--out", str(tmp_path)]))


def test_figures_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from rd.figures import draw, mean_curves

    rows = [row for clip in ("park", "fall") for codec in (OURS, "before", "x264", "x265 zerolatency") for row in curve(codec, clip=clip)]
    files = draw(rows, tmp_path)
    assert [file.stem for file in files] == [f"{name}-{metric}" for metric in ("psnr", "ms-ssim") for name in ("mean", "park", "fall")]
    assert all(file.read_bytes().startswith(b"\x89PNG") and "</svg>" in file.with_suffix(".svg").read_text() for file in files)
    means = mean_curves([*curve(OURS), *curve(OURS, 3, "fall", points=(32, 35, 38))], METRICS[0])
    assert means[OURS] == [(pytest.approx(0.2 * 2**number), 31 + 3 * number) for number in range(3)]
