"""The page of `compare`: pictures, curves and names in it, the command that makes it, and how it works in a browser."""

import json
import math
import re
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from streamcodec.cli import run
from streamcodec.metrics import psnr_db
from streamcodec.pipelines import compare
from streamcodec.pipelines.comparing import page as page_module
from streamcodec.pipelines.comparing import run as run_module
from streamcodec.video import VideoReader, to_rgb
from support.pages import in_browser

from .conftest import page_of, planes
from .test_pictures import pixels_of


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
    assert run([*command[:-1], str(tmp_path / "page.txt")]) == 2
    assert "page.txt; accepted: a name that ends in .html" in capsys.readouterr().err
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
