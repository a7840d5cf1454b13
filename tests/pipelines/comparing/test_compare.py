"""`streamcodec compare`: the page of a source and its codings."""

import json
import math
import re
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import av
import numpy as np
import pytest

import streamcodec
from streamcodec.cli import run
from streamcodec.errors import OutputError, SourceError, UsageError
from streamcodec.metrics import frame_mse, mse_to_psnr_db, psnr_db
from streamcodec.pipelines import compare
from streamcodec.pipelines.comparing import page as page_module
from streamcodec.pipelines.comparing import run as run_module
from streamcodec.video import VideoReader, to_rgb
from support.pages import Page, in_browser

from .test_pictures import pixels_of

SIZE = (96, 64)


@pytest.fixture(scope="module")
def source(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 frames at 25 fps."""
    path = tmp_path_factory.mktemp("source") / "source.mkv"
    return Path(synthetic.write_clip(path, 12, rate=Fraction(25), options={"qp": "0", "bf": "0"}))


@pytest.fixture(scope="module")
def worse(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with B-frames, in an MP4 that has ticks of its own."""
    path = tmp_path_factory.mktemp("worse") / "worse.mp4"
    options = {"qp": "40", "bf": "2", "g": "6", "x264-params": "b-adapt=0"}
    return Path(
        synthetic.write_clip(
            path, 12, rate=Fraction(25), time_base=Fraction(1, 12800), options=options
        )
    )


@pytest.fixture
def ours(source: Path, tiny_models: dict[str, str], tmp_path: Path) -> Path:
    path = tmp_path / "ours.ssf"
    streamcodec.encode(source, path, quality=30, gop=6, scenecut=0, **tiny_models)
    return path


def planes(path: Path) -> list[tuple[np.ndarray, ...]]:
    if path.suffix == ".ssf":
        return [frame.planes for frame in streamcodec.open(path)]
    with VideoReader(path, frame_format="yuv420") as reader:
        return [frame.planes for frame in reader]


def page_of(path: Path) -> Page:
    page = Page(path.read_text(encoding="utf-8"))
    assert page.open == []
    return page


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


def test_curves_have_every_frame(source: Path, worse: Path, ours: Path, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    compare(source, [ours, worse], out, ms_ssim=False)
    curves = page_of(out).data["curves"]
    assert (curves["step"], curves["frames"]) == (1, list(range(12)))
    assert curves["seconds"] == [pytest.approx(0.04 * number) for number in range(12)]
    [first, second] = curves["codings"]
    assert first["types"] == "IPPPPPIPPPPP"
    assert second["types"][0] == "I"
    assert set(second["types"]) == {"I", "P", "B"}
    expected = [psnr_db(a[0], b[0]) for a, b in zip(planes(source), planes(ours), strict=True)]
    assert first["luma"] == [pytest.approx(value, abs=0.006) for value in expected]
    with av.open(str(worse)) as container:
        sizes = {p.pts: 8 * p.size for p in container.demux(video=0) if p.size}
    assert second["bits"] == [sizes[pts] for pts in sorted(sizes)]


def test_types_have_lines_of_their_own(source: Path, worse: Path, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    compare(source, [worse], out, ms_ssim=False)
    lines = [row for row in page_of(out).rows if len(row) == 8 and row[0] == "worse.mp4"]
    assert [line[1] for line in lines] == ["I", "P", "B"]
    assert sum(int(line[2]) for line in lines) == 12


def test_pictures_are_those_of_the_files(
    source: Path, worse: Path, ours: Path, tmp_path: Path
) -> None:
    out = tmp_path / "page.html"
    compare(source, [ours, worse], out, frames=[7, 3, 3], ms_ssim=False)
    data = page_of(out).data
    assert data["names"] == ["source.mkv", "ours.ssf", "worse.mp4"]
    assert [picture["frame"] for picture in data["pictures"]] == [3, 7]
    with VideoReader(source) as reader:
        color = reader.format.color
    for picture in data["pictures"]:
        for path, uri in zip((source, ours, worse), picture["images"], strict=True):
            expected = to_rgb(planes(path)[picture["frame"]], color)  # type: ignore[arg-type]
            assert (pixels_of(uri) == expected).all()
        assert picture["part"] == ""
        assert re.match(r"P, \d+ bytes, Y \d+\.\d\d, U \d", picture["labels"][1])


def test_frames_are_chosen(source: Path, worse: Path, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    found = compare(source, [worse], out, ms_ssim=False)
    errors = [frame_mse(a, b) for a, b in zip(planes(source), planes(worse), strict=True)]
    reasons = {chosen.frame: chosen.reasons for chosen in found.chosen}
    assert "first" in reasons[0]
    assert "middle" in reasons[6]
    assert "worst" in reasons[errors.index(max(errors))]


def test_large_pictures_are_cut_and_said(
    source: Path, worse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "LEAST_MEGABYTES", 0.0)
    out = tmp_path / "page.html"
    compare(source, [worse], out, frames=[5], ms_ssim=False, max_megabytes=0.02)
    [picture] = page_of(out).data["pictures"]
    assert sum(map(len, picture["images"])) <= 20_000
    assert re.fullmatch(
        r"(80|64)x64 pixels from \(\d+, 0\) of 96x64, where the codings differ most from the source",
        picture["part"],
    )


def test_long_curves_are_thinned(
    source: Path, worse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_module, "MOST_POINTS", 5)
    out = tmp_path / "page.html"
    compare(source, [worse], out, ms_ssim=False)
    curves = page_of(out).data["curves"]
    assert (curves["step"], curves["frames"]) == (3, [0, 3, 6, 9])
    errors = [
        np.mean((a[0].astype(int) - b[0]) ** 2)
        for a, b in zip(planes(source), planes(worse), strict=True)
    ]
    expected = 10 * math.log10(255**2 / np.mean(errors[3:6]))
    assert curves["codings"][0]["luma"][1] == pytest.approx(expected, abs=0.006)


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


def test_names_cannot_break_out_of_the_page(source: Path, worse: Path, tmp_path: Path) -> None:
    evil = tmp_path / "<script>alert(1)<&'\"{{ name }}.mp4"
    evil.write_bytes(worse.read_bytes())
    out = tmp_path / "page.html"
    compare(source, [evil], out, frames=[0], ms_ssim=False)
    page = page_of(out)
    assert page.data["names"][1] == evil.name
    assert page.tags.count("script") == 2
    assert page.addresses == []
    text = out.read_text()
    assert not re.search(r"url\(|@import|fetch\(", text)
    assert set(re.findall(r"https?://[\w./]+", text)) == {"http://www.w3.org/2000/svg"}


def test_command(
    source: Path, worse: Path, ours: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "page.html"
    command = ["compare", str(source), str(ours), str(worse), "-o", str(out)]
    assert run([*command, "--frames", "1,5"]) == 0
    assert f"{out}: 12 frames compared, pictures of 2 frames, " in capsys.readouterr().err
    assert run(command) == 1
    assert "exists; overwrite it with -y" in capsys.readouterr().err
    assert run([*command, "-y", "--quiet", "--start", "0.2", "--no-ms-ssim"]) == 0
    assert capsys.readouterr().err == ""
    assert run([*command, "-y", "--frames", "one"]) == 2
    assert "a list is 'one'; accepted: whole numbers" in capsys.readouterr().err
    assert json.loads(page_of(out).scripts["data"])["curves"]["frames"][-1] < 11


ACTIONS = """
    const byId = (id) => document.getElementById(id);
    const press = (key, more) => byId("stage").dispatchEvent(
        new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
    const image = byId("left-layer").querySelector("img"), right = byId("right-layer").querySelector("img");
    const found = {};
    await wait(500);
    found.first = [image.naturalWidth, right.naturalWidth, byId("caption").textContent, byId("left-name").textContent];
    found.cut = byId("right-layer").style.clipPath;
    found.width = byId("stage").clientWidth;
    found.overflow = document.documentElement.scrollWidth - document.documentElement.clientWidth;
    found.curves = [...document.querySelectorAll("svg.curve")].map(
        (svg) => ["path", "circle"].map((name) => svg.querySelectorAll(name).length));
    press("ArrowRight");
    found.moved = byId("wipe").value;
    press("x");
    found.swapped = [byId("left").value, byId("right").value];
    press("n");
    await wait(300);
    found.next = byId("caption").textContent;
    byId("zoom").value = 8;
    byId("zoom").dispatchEvent(new Event("change"));
    found.zoomed = [image.style.transform, getComputedStyle(image).imageRendering];
    press("ArrowRight", { shiftKey: true });
    found.panned = image.style.transform;
    press("0");
    found.fit = byId("zoom").value;
    press("+");
    found.plus = byId("zoom").value;
    byId("right").value = 2;
    byId("right").dispatchEvent(new Event("change"));
    await wait(300);
    found.other = byId("right-name").textContent;
    const svg = document.querySelector("svg.curve");
    svg.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
    found.readout = byId("readout").textContent;
    svg.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    found.picked = byId("caption").textContent;
    return found;
"""


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_in_a_browser(
    width: int, source: Path, worse: Path, ours: Path, tmp_path: Path
) -> None:
    out = tmp_path / "page.html"
    compare(source, [ours, worse], out, frames=[0, 9], ms_ssim=False)
    found: dict[str, Any] = in_browser(out, ACTIONS, width)
    assert found["first"][:3] == [96, 96, "Frame 0 at 0.000 s."]
    assert found["first"][3] == "source.mkv (source)"
    half = float(re.sub(r"[^\d.]", "", found["cut"].split()[-1]))
    assert half == pytest.approx(found["width"] / 2, abs=1)
    assert found["overflow"] <= 0
    assert found["curves"] == [[2, 24]] * 3
    assert found["moved"] == "520"
    assert found["swapped"] == ["1", "0"]
    assert found["next"] == "Frame 9 at 0.360 s."
    assert found["zoomed"][0].endswith("scale(8)")
    assert found["zoomed"][1] == "pixelated"
    assert found["panned"] != found["zoomed"][0] or found["width"] >= 8 * 96
    assert (found["fit"], found["plus"]) == ("0", "2")
    assert found["other"].startswith("worse.mp4")
    assert found["readout"].startswith("Frame 1, 0.040 s: ours.ssf P ")
    assert found["picked"] == "Frame 0 at 0.000 s."
