"""The files that the page of a job lists: which, with what figures, with which pictures."""

import io
from base64 import b64decode
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import streamcodec
from streamcodec import EncodeOptions
from streamcodec.errors import SourceError
from streamcodec.pipelines.files.sources import Item
from streamcodec.pipelines.transcoding.manifest.manifest import Manifest
from streamcodec.pipelines.transcoding.messages import FileDone
from streamcodec.pipelines.transcoding.recipe import Coding
from streamcodec.pipelines.transcoding.report import html as html_module
from streamcodec.pipelines.transcoding.report import listed as listed_module
from streamcodec.pipelines.transcoding.report import thumbnails as thumbnails_module
from streamcodec.pipelines.transcoding.report.listed import folder_of
from streamcodec.pipelines.transcoding.report.report import write_report
from streamcodec.pipelines.transcoding.report.thumbnails import (
    SIDES,
    picture_reader,
    thumbnails,
)
from streamcodec.types import VideoFormat
from streamcodec.video import to_rgb
from streamcodec.video.color import three
from support.pages import Page, in_browser

pytestmark = pytest.mark.slow


def fill(manifest: Manifest, rows: list[tuple[int, float | None]], notes: str = "") -> None:
    """A run that is done: (bytes of the output, PSNR) of each file, 20 frames of 64x48."""
    manifest.begin({"quality": 32}, ["model-id"])
    names = (f"/in/{number:03}.mp4" for number in range(len(rows)))
    manifest.add((Item(name, "x", 1000, "v"), f"/out{name}") for name in names)
    jobs = sorted(manifest.jobs(), key=lambda job: job.ref.input)
    for job, (size, psnr_db) in zip(jobs, rows, strict=True):
        manifest.started(job.ref.file, "w")
        lines = tuple(notes.splitlines())
        done = FileDone(job.ref.file, size, 20, 1, 64, 48, 0.5, psnr_db, lines)
        manifest.written(done, "w", final=True)
    manifest.finish()


@pytest.fixture
def manifest(tmp_path: Path) -> Iterator[Manifest]:
    with Manifest.open(tmp_path / "manifest.sqlite") as opened:
        yield opened


def lines_of(page: Path) -> list[list[str]]:
    """The lines of the table of files."""
    return [row for row in Page(page.read_text()).rows if len(row) == 12 and row[1] != "file"]


def test_table_has_name_and_figures_of_each_file(manifest: Manifest, tmp_path: Path) -> None:
    fill(manifest, [(300, 35.0), (600, 31.25)], notes="its sound <b>is not kept")
    write_report(manifest, tmp_path)
    worst, best = lines_of(tmp_path / "report.html")
    figures = ["20", "64x48", "1.0 kB", "600 bytes", "60.0%", "0.0781", "31.25", "0.5", "40.0", ""]
    assert worst == ["", "001.mp4its sound <b>is not kept", *figures]
    assert best[1].startswith("000.mp4")
    assert "Below /in/." in (tmp_path / "report.html").read_text()


def test_of_many_files_the_worst_are_listed(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half by PSNR, half by bits per pixel, and their dots are drawn too."""
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(listed_module, "MOST_LISTED", 6)
    monkeypatch.setattr(html_module, "MOST_DOTS", 2)
    rows = [(100 + 10 * number, 30.0 + number) for number in range(40)]
    fill(manifest, rows)
    write_report(manifest, tmp_path)
    names = [line[1] for line in lines_of(tmp_path / "report.html")]
    assert names == ["000.mp4", "001.mp4", "002.mp4", "037.mp4", "038.mp4", "039.mp4"]
    text = (tmp_path / "report.html").read_text()
    assert "6 of the 40 files that are done: the worst by PSNR and bits per pixel." in text
    assert all(text.count(f"<title>{name}\n") == 2 for name in names)
    assert text.count("</title></use>") == 2 * 6


def test_without_quality_the_largest_are_listed(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listed_module, "MOST_LISTED", 4)
    fill(manifest, [(100 + number, None) for number in range(10)])
    listed = write_report(manifest, tmp_path).listed
    assert {"/in/009.mp4", "/in/008.mp4"} <= {row.input for row in listed}
    assert len(listed) == 4
    assert [row.bpp for row in listed] == sorted((row.bpp or 0 for row in listed), reverse=True)


@pytest.mark.parametrize(
    ("locations", "folder"),
    [
        (["/in/a.mp4", "/in/below/b.mp4"], "/in/"),
        (["/in/a.mp4"], "/in/"),
        (["/ina/a.mp4", "/inb/b.mp4"], ""),
        (["s3://bucket/x/a.mp4", "s3://bucket/y/b.mp4"], "s3://bucket/"),
        (["s3://one/a.mp4", "/in/b.mp4"], ""),
        ([], ""),
    ],
)
def test_folder_that_all_share(locations: list[str], folder: str) -> None:
    assert folder_of(locations) == folder


def test_columns_are_sorted_by_a_click(manifest: Manifest, tmp_path: Path) -> None:
    fill(manifest, [(300, 35.0), (1100, None), (600, 31.25)])
    write_report(manifest, tmp_path)
    script = """
        const headings = [...document.querySelectorAll("#files th[data-sort]")];
        const names = () => [...document.querySelectorAll("#files tbody .name")].map((each) => each.textContent.trim());
        const clicked = (text) => { headings.find((each) => each.textContent === text).click(); return names(); };
        return [clicked("out"), clicked("out"), clicked("PSNR, dB"), clicked("file")];
    """
    rising, falling, quality, files = in_browser(tmp_path / "report.html", script)
    assert rising == ["000.mp4", "002.mp4", "001.mp4"]
    assert falling == rising[::-1]
    assert quality == ["002.mp4", "000.mp4", "001.mp4"]  # what is not known stands last
    assert files == ["000.mp4", "001.mp4", "002.mp4"]


def test_page_shows_pictures_of_the_worst(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thumbnails_module, "MOST_PICTURES", 2)
    fill(manifest, [(300, 35.0), (300, 31.0), (300, 32.0), (300, 33.0)])

    def read(location: str) -> str:
        if "001" in location:
            raise SourceError("damaged")
        return f"data:image/jpeg;base64,{location}"

    write_report(manifest, tmp_path, read_picture=read)
    text = (tmp_path / "report.html").read_text()
    addresses = [address for address in Page(text).addresses if address.startswith("data:")]
    pictures = [address.rpartition("/")[2] for address in addresses]
    assert pictures == ["002.mp4", "003.mp4"]


def test_pictures_stop_when_they_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(thumbnails_module.time, "monotonic", lambda: now[0])

    def read(location: str) -> str:
        now[0] += 16
        return location

    assert thumbnails(["a", "b", "c"], read) == {"a": "a", "b": "b"}


def picture(uri: str) -> Image.Image:
    data = b64decode(uri.removeprefix("data:image/jpeg;base64,"))
    assert len(data) < 8000
    return Image.open(io.BytesIO(data))


def test_picture_of_a_stream_is_its_first_frame(dataset: Any, tmp_path: Path) -> None:
    dataset.add("a.mp4", 3)
    stream = tmp_path / "a.ssf"
    stream.write_bytes(dataset.encoded("a.mp4"))
    found = np.asarray(picture(picture_reader(dataset.coding.opening)(str(stream))).convert("RGB"))
    models = {"intra": dataset.coding.options.intra, "inter": dataset.coding.options.inter}
    with streamcodec.open(stream, **models) as video:
        first, color = video[0].planes, video.header.video.color
    expected = to_rgb(three(first), color).transpose(1, 2, 0)
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).mean() < 6


def test_picture_of_a_video_and_of_a_damaged_stream(dataset: Any, tmp_path: Path) -> None:
    video = dataset.add("a.mp4", 3)
    assert picture(picture_reader(None)(str(video))).size == (48, 32)
    with pytest.raises(SourceError):
        picture_reader(None)(str(tmp_path / "none.mp4"))
    stream = tmp_path / "a.ssf"
    data = dataset.encoded("a.mp4")
    stream.write_bytes(data[: len(data) // 3])
    assert thumbnails([str(stream)], picture_reader(dataset.coding.opening)) == {}


@pytest.mark.parametrize(
    ("rotation", "ratio", "size"),
    [
        (0, Fraction(1), (SIDES[0], SIDES[0] // 4)),
        (90, Fraction(1), (SIDES[1] // 4, SIDES[1])),
        (0, Fraction(1, 4), (SIDES[1], SIDES[1])),
    ],
)
def test_pictures_are_small_and_as_they_are_shown(
    rotation: int, ratio: Fraction, size: tuple[int, int]
) -> None:
    shown = VideoFormat(
        1600, 400, Fraction(1, 25), sample_aspect_ratio=ratio, rotation_degrees=rotation
    )
    small = thumbnails_module._reduced(np.zeros((3, 400, 1600), np.uint8), shown)
    assert small.shape == (3, size[1], size[0])


def test_options_of_opening_name_the_models() -> None:
    coding = Coding(options=EncodeOptions(intra="a.safetensors", inter="none"), max_pixels=99)
    assert coding.opening == {"intra": "a.safetensors", "inter": None, "max_pixels": 99}
