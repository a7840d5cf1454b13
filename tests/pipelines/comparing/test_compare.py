"""`streamcodec compare`: the page of a source and its codings."""

import math
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import av
import numpy as np
import pytest

import streamcodec
from streamcodec.errors import OutputError, SourceError, UsageError
from streamcodec.metrics import frame_mse, mse_to_psnr_db, psnr_db
from streamcodec.pipelines import compare
from support.pages import Page

from .conftest import page_of, planes

SIZE = (96, 64)


def cells(page: Page, name: str) -> list[str]:
    """Of the first table's line with this name, by column."""
    return next(row for row in page.rows if row[0] == name)


def test_figures_are_those_of_the_files(
    source: Path, worse: Path, ours: Path, tmp_path: Path
) -> None:
    out = tmp_path / "page.html"
    found = compare(source, [ours, worse], out, ms_ssim=False)
    page = page_of(out)
    given = planes(source)
    for path in (ours, worse):
        shown = planes(path)
        line = cells(page, path.name)
        for column, plane in ((6, 0), (7, 1), (8, 2)):
            errors = [
                np.mean((a[plane].astype(int) - b[plane]) ** 2)
                for a, b in zip(given, shown, strict=True)
            ]
            assert line[column] == f"{10 * math.log10(255**2 / np.mean(errors)):.2f}"
        errors = [frame_mse(a, b) for a, b in zip(given, shown, strict=True)]
        assert line[9] == f"{mse_to_psnr_db(float(np.mean(errors))):.2f}"
        assert line[11] == f"{mse_to_psnr_db(max(errors)):.2f}"
        assert line[5] == "12"
    with av.open(str(worse)) as container:
        packets = [packet.size for packet in container.demux(video=0)]
    size = 8 * sum(packets)
    assert cells(page, "worse.mp4")[3:5] == [
        f"{size / 0.48 / 1000:,.0f} kbit/s",
        f"{size / (12 * 96 * 64):.4f}",
    ]
    assert cells(page, "ours.ssf")[1].endswith("tiny-intra and tiny-inter, quality 30")
    assert cells(page, "worse.mp4")[1].startswith("h264 (")
    assert cells(page, "source.mkv")[5:] == ["12", *[""] * 6]
    assert [coding.measures.matched for coding in found.codings] == [12, 12]
    assert found.duration_seconds == pytest.approx(0.48)


def test_frames_are_chosen(source: Path, worse: Path, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    found = compare(source, [worse], out, ms_ssim=False)
    errors = [frame_mse(a, b) for a, b in zip(planes(source), planes(worse), strict=True)]
    reasons = {chosen.frame: chosen.reasons for chosen in found.chosen}
    assert "first" in reasons[0]
    assert "middle" in reasons[6]
    assert "worst" in reasons[errors.index(max(errors))]


def test_identical_pictures(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    copy = tmp_path / "copy.mkv"
    copy.write_bytes(source.read_bytes())
    found = compare(source, [copy], out, ms_ssim=False)
    page = page_of(out)
    assert cells(page, "copy.mkv")[6:] == ["identical"] * 4 + ["-", "identical"]
    assert page.data["curves"]["codings"][0]["luma"] == [None] * 12
    assert [chosen.frame for chosen in found.chosen] == [0, 6]


def test_two_of_one_name_are_told_apart(source: Path, worse: Path, tmp_path: Path) -> None:
    copy = tmp_path / worse.name
    copy.write_bytes(worse.read_bytes())
    out = tmp_path / "page.html"
    compare(source, [worse, copy], out, frames=[0], ms_ssim=False)
    assert page_of(out).data["names"][1:] == [str(worse), str(copy)]


def test_a_part_that_was_coded(source: Path, tiny_models: dict[str, str], tmp_path: Path) -> None:
    part, out = tmp_path / "part.ssf", tmp_path / "page.html"
    streamcodec.encode(source, part, start_seconds=0.2, duration_seconds=0.2, **tiny_models)
    found = compare(
        source, [part], out, start_seconds=0.2, duration_seconds=0.2, frames=[2], ms_ssim=False
    )
    assert len(found.seconds) == found.codings[0].measures.matched == 5
    expected = [
        psnr_db(a[0], b[0]) for a, b in zip(planes(source)[5:10], planes(part), strict=True)
    ]
    luma = page_of(out).data["curves"]["codings"][0]["luma"]
    assert luma == [pytest.approx(value, abs=0.006) for value in expected]
    back = compare(
        part, [source], tmp_path / "back.html", start_seconds=0.04, frames=[0], ms_ssim=False
    )
    assert len(back.seconds) == 4
    assert back.chosen[0].planes[0] is not None
    assert (back.chosen[0].planes[0][0] == planes(part)[1][0]).all()


def test_missing_and_further_frames_are_noted(
    source: Path, synthetic: ModuleType, tmp_path: Path
) -> None:
    gaps, longer, out = tmp_path / "gaps.mkv", tmp_path / "longer.mkv", tmp_path / "page.html"
    frames = synthetic.moving_frames(14)
    shown = [frames[number] for number in (0, 1, 2, 3, 6, 7, 8, 9, 10, 11)]
    pts = [3600 * number for number in (0, 1, 2, 3, 6, 7, 8, 9, 10, 11)]
    synthetic.write_clip(gaps, shown, rate=Fraction(25), pts=pts)
    synthetic.write_clip(longer, frames, rate=Fraction(25))
    found = compare(source, [gaps, longer], out, frames=[4], ms_ssim=False)
    assert found.codings[0].notes[0] == (
        "it has no frame at the times of 2 of the source's 12 frames, which are left out"
    )
    assert found.codings[1].notes[0] == "2 frames of its 14 belong to none of the source's"
    [picture] = page_of(out).data["pictures"]
    assert picture["images"][1] is None
    assert picture["labels"][1] == "no frame at this time"
    text = out.read_text()
    assert "gaps.mkv: it has no frame at the times of 2 of the source" in text


def test_other_colours_are_converted(source: Path, synthetic: ModuleType, tmp_path: Path) -> None:
    full, out = tmp_path / "full.mkv", tmp_path / "page.html"
    synthetic.write_clip(
        full,
        12,
        rate=Fraction(25),
        colors=(2, 2, 2, 2),
        pixel_format="yuvj420p",
        options={"qp": "1"},
    )
    found = compare(source, [full], out, frames=[0], ms_ssim=False)
    assert "its samples were converted to the colours of the source" in found.codings[0].notes
    sums = found.codings[0].measures.sums()
    assert sums is not None
    assert sums.psnr_y_db > 40


def test_ms_ssim(wide_clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    compare(wide_clip, [wide_clip], out)
    found = [row[10] for row in page_of(out).rows if row[0] == "wide.mp4" and len(row) == 12]
    assert found == ["", "1.0000"]


def test_no_ms_ssim_of_small_pictures(source: Path, worse: Path, tmp_path: Path) -> None:
    compare(source, [worse], tmp_path / "page.html")
    assert cells(page_of(tmp_path / "page.html"), "worse.mp4")[10] == "-"
    with pytest.raises(UsageError, match="MS-SSIM of 96x64 pictures"):
        compare(source, [worse], tmp_path / "other.html", ms_ssim=True)
    assert not (tmp_path / "other.html").exists()


def test_scaled_sources(source: Path, tiny_models: dict[str, str], tmp_path: Path) -> None:
    small = tmp_path / "small.ssf"
    streamcodec.encode(source, small, scale="48x32", **tiny_models)
    with pytest.raises(UsageError, match=r"small\.ssf is 48x32, .* 96x64; .*--scale 48x32"):
        compare(source, [small], tmp_path / "page.html")
    found = compare(source, [small], tmp_path / "page.html", scale="48x32", ms_ssim=False)
    assert (found.format.width, found.codings[0].measures.matched) == (48, 12)
    with pytest.raises(UsageError, match="is a stream, which is not scaled"):
        compare(small, [small], tmp_path / "other.html", scale="24x16")


def test_arguments_fail(source: Path, worse: Path, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    with pytest.raises(UsageError, match=r"frame is 12; accepted: 0\.\.11"):
        compare(source, [worse], out, frames=[12], ms_ssim=False)
    with pytest.raises(UsageError, match="0 codings given; accepted: 1 to 8"):
        compare(source, [], out)
    with pytest.raises(UsageError, match="0 frames chosen; accepted: 1 to 24"):
        compare(source, [worse], out, frames=[])
    with pytest.raises(UsageError, match=r"pictures may take 0\.01 MB"):
        compare(source, [worse], out, max_megabytes=0.01)
    with pytest.raises(UsageError, match="standard input cannot be compared"):
        compare("-", [worse], out)
    with pytest.raises(SourceError, match=r"none\.mp4"):
        compare(tmp_path / "none.mp4", [worse], out)
    assert not out.exists()
    out.touch()
    with pytest.raises(OutputError, match="exists; overwrite it"):
        compare(source, [worse], out)
