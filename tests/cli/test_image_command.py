"""`streamcodec image encode` and `image decode` as a user meets them."""

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import streamcodec
from streamcodec.cli import run
from streamcodec.models import create, save_checkpoint
from streamcodec.video import read_picture, to_jpeg, to_png

pytestmark = pytest.mark.usefixtures("tiny_models")

TINY = ["--intra", "tiny-intra"]


def write_picture(path: Path, height: int = 20, width: int = 30) -> Path:
    rows, columns = np.indices((height, width))
    pixels = np.stack([(rows * 5 + columns * k) % 256 for k in (1, 2, 4)]).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(to_png(pixels) if path.suffix == ".png" else to_jpeg(pixels))
    return path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a.png and its stream a.ssf."""
    monkeypatch.chdir(tmp_path)
    write_picture(Path("a.png"))
    assert run(["image", "encode", "a.png", "a.ssf", *TINY, "--quiet"]) == 0
    return tmp_path


def test_encode_says_what_it_did(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["image", "encode", "a.png", "b.ssf", "-q", "50", *TINY]) == 0
    said = capsys.readouterr()
    for part in ("30x20", "bytes", "bpp", "PSNR", " s, tiny-intra, quality 50"):
        assert part in said.err
    assert said.out == ""
    assert run(["image", "encode", "a.png", "b.ssf", "-y", "--json", "--msssim", *TINY]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["size_bytes"] == (here / "b.ssf").stat().st_size
    assert row["notes"] == ["its RGB samples were converted to 4:2:0"]
    assert (row["width"], row["height"], row["quality"], row["ms_ssim"]) == (30, 20, 32, None)


def test_there_and_back(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["image", "decode", "a.ssf", "back.png"]) == 0
    assert "30x20" in capsys.readouterr().err
    assert run(["decode", "a.ssf", "frames/", "--quiet"]) == 0
    assert (here / "back.png").read_bytes() == (here / "frames" / "frame_000000.png").read_bytes()
    assert run(["image", "decode", "a.ssf", "back.jpg", "--quality", "60"]) == 0
    assert read_picture("back.jpg").pixels.shape == (3, 20, 30)
    assert run(["verify", "a.ssf"]) == 0


class Pipe(io.BytesIO):
    def seekable(self) -> bool:
        return False


def test_pipes(
    here: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    command = [
        ["image", "encode", "-", "-", *TINY, "--quiet"],
        ["image", "decode", "-", "-", "--quiet"],
    ]
    data = (here / "a.png").read_bytes()
    for arguments in command:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Pipe(data)))
        assert run(arguments) == 0
        sys.stdout.flush()
        data = capfdbinary.readouterr().out
    assert run(["image", "decode", "a.ssf", "back.png", "--quiet"]) == 0
    assert data == (here / "back.png").read_bytes()


def test_many_pictures_and_some_that_fail(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("in/b.png", "in/deep/c.JPG", "in/deep/d.png"):
        write_picture(here / name)
    Path("in/deep/text.png").write_text("no picture")
    Path("in/notes.txt").write_text("not looked at")
    assert run(["image", "encode", "a.png", "in", "--out", "out", *TINY]) == 4
    said = capsys.readouterr().err
    assert sorted(str(path.relative_to("out")) for path in Path("out").rglob("*.ssf")) == [
        "a.ssf",
        "b.ssf",
        "deep/c.ssf",
        "deep/d.ssf",
    ]
    for part in (
        "in/b.png: 30x20",
        "in/deep/text.png is not a picture",
        "mean of 4: ",
        "1 of 5 pictures failed",
    ):
        assert part in said
    assert run(["image", "encode", "in", "--out", "out2", "--json", *TINY]) == 4
    found = json.loads(capsys.readouterr().out)
    assert found["mean"]["psnr_db"] == pytest.approx(
        np.mean([row["psnr_db"] for row in found["pictures"]])
    )
    assert found["mean"]["bpp"] == pytest.approx(np.mean([row["bpp"] for row in found["pictures"]]))
    assert [row["source"] for row in found["failed"]] == ["in/deep/text.png"]
    assert run(["image", "encode", "a.png", "--out", "out3", *TINY]) == 0


def test_many_streams_and_some_that_fail(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("in/deep").mkdir(parents=True)
    for name in ("in/b.ssf", "in/deep/c.ssf"):
        Path(name).write_bytes(Path("a.ssf").read_bytes())
    Path("in/deep/text.ssf").write_text("no stream")
    Path("in/notes.txt").write_text("not looked at")
    command = ["image", "decode", "a.ssf", "in", "--out", "out"]
    assert run(command) == 4
    said = capsys.readouterr().err
    pictures = sorted(path for path in Path("out").rglob("*") if path.is_file())
    assert [str(path) for path in pictures] == ["out/a.png", "out/b.png", "out/deep/c.png"]
    for part in ("out/b.png: 30x20\n", "in/deep/text.ssf: not an", "1 of 4 pictures failed"):
        assert part in said
    assert run(["image", "decode", "a.ssf", "back.png", "--quiet"]) == 0
    assert {path.read_bytes() for path in pictures} == {Path("back.png").read_bytes()}
    Path("out/b.png").unlink()
    assert run([*command, "--json"]) == 4
    found = json.loads(capsys.readouterr().out)
    assert found["pictures"] == [
        {"source": "in/b.ssf", "out": "out/b.png", "width": 30, "height": 20}
    ]
    assert [row["source"] for row in found["failed"]] == ["in/deep/text.ssf"]
    assert found["kept"] == ["out/a.png", "out/deep/c.png"]
    assert run(["image", "decode", "in/b.ssf", "--out", "out"]) == 0
    assert capsys.readouterr().err == "1 of 1 picture done before; -y decodes them anew\n"
    for jpeg in (["--quality", "60"], []):
        more = [*jpeg, "--to", "jpg", "-y", "--quiet"]
        assert run(["image", "decode", "a.ssf", "--out", "out", *more]) == 0
    assert capsys.readouterr().err == ""
    assert read_picture("out/a.jpg").pixels.shape == (3, 20, 30)


def test_a_stream_without_that_frame_does_not_stop_the_others(
    here: Path, tiny_models: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    streamcodec.encode([np.zeros((3, 20, 30), np.uint8)] * 2, "b.ssf", **tiny_models)
    command = ["image", "decode", "a.ssf", "b.ssf", "--frame", "1", "--out", "out"]
    assert run(command) == 4
    said = capsys.readouterr().err
    assert "a.ssf: frame is 1; the video has 1 frame" in said
    assert "1 of 2 pictures failed" in said
    assert [path.name for path in Path("out").iterdir()] == ["b.png"]
    assert run(command) == 2  # of a.ssf alone, which is left
    assert capsys.readouterr().err.splitlines()[1:] == [
        "streamcodec: frame is 1; the video has 1 frame"
    ]


def test_facts_of_one_picture(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["image", "decode", "a.ssf", "back.png", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {"source": "a.ssf", "out": "back.png", "width": 30, "height": 20}


def test_what_is_lost_is_said(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(3)
    model = create("bmshj2018-factorized", N=8, M=8)
    model.update()
    save_checkpoint(here / "one.safetensors", model, "bmshj2018-factorized", N=8, M=8)
    assert run(["image", "encode", "a.png", "b.ssf", "-q", "40", "--intra", "one.safetensors"]) == 0
    said = capsys.readouterr().err
    assert "-q 40 has no effect: the model one has one rate only" in said
    assert said.rstrip().endswith("one, one rate")
    for quiet in ("--quiet", "--json"):
        assert (
            run(["image", "encode", "a.png", "c.ssf", "-y", "--target-psnr", "90", quiet, *TINY])
            == 0
        )
        assert "out of reach" in capsys.readouterr().err


FAILURES = [
    (["encode", "a.png"], 2, "accepted: IN OUT.ssf"),
    (
        ["encode", "a.png", "b.png"],
        2,
        "b.png does not end in .ssf; names are a.png b.png; accepted:",
    ),
    (["encode", ".", "b.ssf"], 2, "--out FOLDER"),
    (["encode", "a.png", "a.ssf"], 1, "exists"),
    (["encode", "text.png", "b.ssf"], 1, "is not a picture"),
    (["encode", "none.png", "b.ssf"], 1, "none.png"),
    (["encode", "a.ssf", "b.ssf"], 1, "is an .ssf stream already"),
    (["encode", "a.png", "b.ssf", "-q", "64"], 2, "64"),
    (["encode", "a.png", "b.ssf", "-q", "6", "--target-bpp", "1"], 2, "-q and --target-bpp"),
    (["encode", "a.png", "b.ssf", "--background", "sky"], 2, "sky"),
    (["encode", "a.png", "b.ssf", "--max-pixels", "599"], 1, "up to 599 pixels"),
    (["encode", "a.png", "b.ssf", "--intra", "tiny-inter"], 2, "does not code I-frames"),
    (["encode", "a.png", "sub/a.png", "--out", "out"], 2, "would both become out"),
    (["encode", "empty", "--out", "out"], 1, "holds no pictures"),
    (["encode", "a.png", "--out", "text.png"], 2, "text.png"),
    (["encode", "-", "--out", "out"], 2, "standard input has no name; accepted: pictures and"),
    (["decode", "none.ssf", "b.png"], 1, "none.ssf"),
    (["decode", "none.ssf", "--out", "out"], 1, "none.ssf"),
    (["decode", "a.ssf"], 2, "accepted: IN OUT (OUT may be -), or IN... --out FOLDER"),
    (["decode", "sub", "b.png"], 2, "sub is a folder; accepted: a stream, or for all streams"),
    (["decode", "sub", "--out", "out"], 1, "sub holds no streams (.ssf)"),
    (["decode", "-", "--out", "out"], 2, "standard input has no name; accepted: streams and"),
    (["decode", "a.ssf", "./x/../a.ssf", "--out", "out"], 2, "would both become out/a.png"),
    (["decode", "a.ssf", "--out", "text.png"], 2, "text.png"),
    (["decode", "a.ssf", "--out", "out", "--quality", "50"], 2, "accepted: with --to jpg"),
    (["decode", "a.ssf", "--out", "out", "--to", "webp"], 2, "webp"),
    (["decode", "a.ssf", "b.png", "--to", "png"], 2, "which is for --out"),
    (["decode", "text.png", "b.png"], 3, "not an .ssf stream"),
    (["decode", "cut.ssf", "b.png"], 3, "ends"),
    (["decode", "a.ssf", "b.webp"], 1, "accepted: a .png"),
    (["decode", "a.ssf", "b.png", "--quality", "50"], 2, "for .jpg"),
    (["decode", "a.ssf", "a.png"], 1, "exists"),
    (["decode", "a.ssf", "b.png", "--frame", "1"], 2, "has 1 frame\n"),
    (["decode", "a.ssf", "b.png", "--max-pixels", "599"], 3, "up to 599 pixels"),
]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    FAILURES,
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_failures(
    arguments: list[str], code: int, said: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("text.png").write_text("This is no picture.")
    Path("cut.ssf").write_bytes(Path("a.ssf").read_bytes()[:-40])
    write_picture(Path("sub/a.png"))
    Path("x").mkdir()
    Path("empty").mkdir()
    before = sorted(here.rglob("*"))
    extra = TINY if arguments[0] == "encode" and "--intra" not in arguments else []
    assert run(["image", *arguments, *extra]) == code
    assert said in capsys.readouterr().err
    assert sorted(here.rglob("*")) == before
