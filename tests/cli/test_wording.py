"""What commands and values say of themselves: rates, losses, sizes; never samples or addresses."""

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import streamcodec
from streamcodec.cli import run
from streamcodec.errors import SourceError, UsageError
from streamcodec.types import RawFrame
from streamcodec.video import VideoReader
from support.streams import of_another_format


def test_verify_says_how_much_of_a_damaged_stream_decodes(
    damaged: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["verify", str(damaged)]) == 3
    assert capsys.readouterr().out == f"{damaged}: DAMAGED, 2 problems; 1 of 3 frames decoded\n"
    assert run(["verify", str(damaged), "--no-decode"]) == 3
    said = capsys.readouterr().out
    assert said == f"{damaged}: DAMAGED, 2 problems; 2 frames found, not decoded\n"


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        (Fraction(25), ", 25 fps\n"),
        (Fraction(30000, 1001), ", 29.97 fps (30000/1001)\n"),
        (None, ", unknown fps\n"),
    ],
)
def test_info_tells_the_frame_rate(
    rate: Fraction | None,
    said: str,
    one: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["info", str(of_another_format(one, frame_rate=rate))]) == 0
    assert said in capsys.readouterr().out


def test_a_picture_says_what_it_wrote(
    tiny_models: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (48, 32)).save(tmp_path / "a.png")
    out = tmp_path / "a.ssf"
    models = ["--intra", tiny_models["intra"]]
    assert run(["image", "encode", str(tmp_path / "a.png"), str(out), *models]) == 0
    assert f"\n{out}: 48x32, " in capsys.readouterr().err
    back = tmp_path / "b.png"
    assert run(["image", "decode", str(out), str(back)]) == 0
    assert capsys.readouterr().err == f"{back}: 48x32\n"


def test_standard_input_is_called_so() -> None:
    file = io.BytesIO(b"no video" * 9)
    file.name = "<stdin>"  # type: ignore[attr-defined]
    with pytest.raises(SourceError, match=r"^cannot open as a video standard input: "):
        VideoReader(file)


def test_values_are_shown_short(tiny_models: dict[str, str], tmp_path: Path) -> None:
    """Neither samples nor addresses."""
    codec = streamcodec.load_codec(**tiny_models)
    picture = np.zeros((3, 32, 48), np.uint8)
    gop = streamcodec.encode_gop(codec, np.stack([picture, picture]), 32)
    report = streamcodec.encode_image(picture, tmp_path / "a.ssf", intra=tiny_models["intra"])
    raw = RawFrame((picture,), 7)
    assert repr(raw) == "<RawFrame 48x32, rgb, pts 7, duration 0>"
    assert repr(gop.reconstruction) == "<DecodedGop of 2 frames: 48x32>"
    assert repr(gop).startswith("<EncodedGop of 2 frames: ")
    assert "Model tiny-intra" in repr(codec)
    for value in (raw, gop, report, codec):
        assert "array(" not in repr(value)
        assert " at 0x" not in repr(value)


@pytest.mark.parametrize(
    ("planes", "said"),
    [
        ((np.zeros((32, 48), np.uint8),), r"frame is \(32, 48\) uint8; accepted: uint8, one array"),
        ((np.zeros((3, 32, 48), np.float32),), r"frame is \(3, 32, 48\) float32; accepted: uint8"),
        ((), "frame is empty; accepted"),
    ],
)
def test_frames_that_do_not_fit_are_described(planes: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        RawFrame(planes, 0)
