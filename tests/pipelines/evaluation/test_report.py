"""Evaluations: what is planned, kept, tabulated and drawn."""

import csv
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from streamcodec.errors import UsageError
from streamcodec.pipelines.evaluation.jobs import parse_options, plan
from streamcodec.pipelines.evaluation.report import markdown, write_tables
from streamcodec.pipelines.evaluation.rows import (
    OURS,
    Clip,
    Measurement,
    Row,
    Store,
    key_of,
    latest,
    read_rows,
)
from streamcodec.pipelines.evaluation.tables import (
    METRICS,
    bd_rates,
    bd_table,
    chroma_table,
    decibels,
    drop_table,
    metrics_of,
    points_table,
)

CLIP = Clip(Path("a/park.mp4"), "00ff")


def row_of(
    codec: str = OURS, setting: int = 32, bpp: float = 0.5, psnr_db: float = 30, clip: str = "park"
) -> Row:
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
        psnr_rgb_db=psnr_db - 2,
        psnr_planes_db=(psnr_db, psnr_db + 3, psnr_db + 5),
    )


def curve(
    codec: str, factor: float = 1, clip: str = "park", points: Sequence[float] = (30, 33, 36, 40)
) -> list[Row]:
    return [
        row_of(codec, number, factor * 0.1 * 2**number, psnr_db, clip)
        for number, psnr_db in enumerate(points)
    ]


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


def test_without_scipy_the_table_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.interpolate", None)
    table = bd_table(curve(OURS, 0.9) + curve("x264"), OURS, METRICS[0])
    assert "| park | - [1] |" in table
    assert "[1] BD-rates need SciPy" in table


def test_points_and_drops_are_shown_by_rate() -> None:
    rows = curve(OURS)[::-1]
    lines = points_table(rows, "park").splitlines()
    assert (
        lines[2]
        == f"| {OURS} | 0 | 0.1000 | 30.00 | 30.00 | 33.00 | 35.00 | 28.00 | {rows[-1].ms_ssim:.4f} | +1.00 | 2.00 | 4.00 |"
    )
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
    jobs = plan([CLIP], [63, 0, 0], {"x264": [30]}, options, 7)
    assert [(job.codec, job.setting, job.gop, job.max_frames) for job in jobs] == [
        (OURS, 0, 5, 7),
        (OURS, 63, 5, 7),
        ("x264", 30, 5, 7),
    ]
    assert jobs[0].options == {"scenecut": 0, "intra_offset": 8, "b_frames": 7, **tiny_models}
    assert jobs[2].options == {}
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
def test_a_plan_fails_before_anything_is_measured(
    qualities: list[int], options: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        plan([CLIP], qualities, {}, options)


@pytest.mark.parametrize(
    ("anchor", "crf", "message"),
    [("x264", 52, "accepted: 0..51"), ("svt-av1", 64, "0..63"), ("vp8", 5, "svt-av1")],
)
def test_an_anchor_of_another_name_or_crf_fails(anchor: str, crf: int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        plan([CLIP], [], {anchor: [crf]}, {})


def test_a_job_is_known_by_what_decides_its_bits() -> None:
    job = Measurement(CLIP, OURS, 32, 32, "1", {"intra": "a.safetensors", "scenecut": 0})
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
    job = Measurement(CLIP, OURS, 32, 32, "1")
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
    with pytest.raises(UsageError, match="line 1 is not a row"):
        Store(path)


def test_the_last_row_of_a_setting_counts() -> None:
    assert [row.bpp for row in latest([row_of(bpp=0.5), row_of(bpp=0.75), row_of("x264")])] == [
        0.75,
        0.5,
    ]


@pytest.mark.slow
def test_figures_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from streamcodec.pipelines.evaluation.figures import draw, mean_curves

    rows = [
        row
        for clip in ("park", "fall")
        for codec in (OURS, "before", "x264", "svt-av1")
        for row in curve(codec, clip=clip)
    ]
    files = draw(rows, tmp_path)
    assert [file.stem for file in files] == [
        f"{name}-{metric}"
        for metric in ("psnr", "psnr-y", "psnr-u", "psnr-v", "psnr-rgb", "ms-ssim")
        for name in ("mean", "park", "fall")
    ]
    assert all(
        file.read_bytes().startswith(b"\x89PNG")
        and "</svg>" in file.with_suffix(".svg").read_text()
        for file in files
    )
    means = mean_curves([*curve(OURS), *curve(OURS, 3, "fall", points=(32, 35, 38))], METRICS[0])
    assert means[OURS] == [(pytest.approx(0.2 * 2**number), 31 + 3 * number) for number in range(3)]


NEWER = ("psnr_rgb_db", "psnr_planes_db")


def test_older_rows_stay_usable(tmp_path: Path) -> None:
    old = [json.loads(line) for line in _lines_of(tmp_path, curve("x264"))]
    (tmp_path / "old.jsonl").write_text(
        "".join(json.dumps({k: v for k, v in row.items() if k not in NEWER}) + "\n" for row in old)
    )
    rows = read_rows(tmp_path / "old.jsonl")
    assert [row.psnr_rgb_db for row in rows] == [None] * 4
    assert [metric.name for metric in metrics_of(rows)] == ["psnr", "ms-ssim"]
    assert all(bd_rates([*rows, *curve(OURS)], "x264", OURS, each) == {} for each in METRICS[1:5])
    assert "| x264 | 0 | 0.1000 | 30.00 | - | - | - | - |" in points_table(rows, "park")
    assert chroma_table(rows, "x264") == ""
    assert chroma_table([*rows, *curve(OURS)], OURS).count("| 33.00 | 35.00 | - |") == 1


def test_chroma_is_told_at_equal_luma() -> None:
    ours = replace(row_of(bpp=0.1), psnr_planes_db=(31.5, 34.0, 37.0))
    beyond = replace(row_of(setting=60), psnr_planes_db=(50.0, 51.0, 52.0))
    lines = chroma_table([ours, beyond, *curve("x264"), *curve("x265", 2)], OURS).splitlines()
    assert lines[0].endswith("| x264: bits, U, V | x265: bits, U, V |")
    bits = 100 * (0.1 / (0.1 * 2**0.5) - 1)
    assert lines[2] == (
        f"| park | 32 | 0.1000 | 31.50 | 34.00 | 37.00 | {bits:+.1f} %, -0.50, +0.50 "
        f"| {bits / 2 - 50:+.1f} %, -0.50, +0.50 |"
    )
    assert lines[3].endswith("| 50.00 | 51.00 | 52.00 | - | - |")
    text = markdown([ours, *curve("x264")], [])
    assert "## Planes of streamcodec, and at equal PSNR of Y\n\nMean PSNR of Y, U and V." in text
    assert chroma_table([ours], OURS) == ""


def _lines_of(folder: Path, rows: Sequence[Row]) -> list[str]:
    for row in rows:
        Store(folder / "rows.jsonl").add(row)
    return (folder / "rows.jsonl").read_text().splitlines()


def test_a_report_names_presets_and_what_failed() -> None:
    text = markdown([*curve(OURS), *curve("svt-av1")], [], ["fall, x264 at 30: it is damaged"])
    assert "- svt-av1: preset 8, 1, GOP 32" in text
    assert "## Not measured\n\n- fall, x264 at 30: it is damaged" in text


def test_tables_have_a_line_for_each_row(tmp_path: Path) -> None:
    rows = [row_of(), replace(row_of("x264", 30), psnr_rgb_db=None)]
    write_tables(rows, tmp_path)
    with (tmp_path / "rows.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["codec"] for line in lines] == [OURS, "x264"]
    assert (float(lines[0]["bpp"]), float(lines[0]["psnr_yuv_db"]), lines[1]["psnr_rgb_db"]) == (
        0.5,
        30,
        "",
    )
    parquet = (
        pytest.importorskip("pyarrow.parquet").read_table(tmp_path / "rows.parquet").to_pylist()
    )
    assert [(line["setting"], line["psnr_rgb_db"], line["max_frames"]) for line in parquet] == [
        (32, 28, None),
        (30, None, None),
    ]
