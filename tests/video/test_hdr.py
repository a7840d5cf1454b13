"""PQ and HLG become SDR by known light; everything else stays as it is."""

from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import av
import numpy as np
import pytest

import streamcodec
from streamcodec.errors import SourceError, UsageError
from streamcodec.types import ColorSpec
from streamcodec.video import VideoReader
from streamcodec.video.hdr.convert import SDR
from streamcodec.video.hdr.curves import PEAK, shoulder

PQ, HLG = 16, 18


def pq_signal(nits: float) -> float:
    """The inverse of SMPTE ST 2084's curve."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = (nits / 10000) ** m1
    return ((c1 + c2 * power) / (1 + c3 * power)) ** m2


def patches(
    path: Path, signals: list[float], transfer: int, *, bits: int = 10, full: bool = False
) -> Path:
    """One frame of gray patches, 32 pixels wide each, with these non-linear values; BT.2020, lossless."""
    top = (1 << bits) - 1
    scale, black = (top, 0) if full else (219 << bits - 8, 16 << bits - 8)
    luma = np.repeat([round(black + scale * signal) for signal in signals], 32)
    format_name = "yuv420p10le" if bits == 10 else "yuv420p"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("ffv1", rate=25)
        context = stream.codec_context
        stream.width, stream.height, stream.pix_fmt = len(luma), 32, format_name
        context.color_primaries, context.color_trc, context.colorspace = 9, transfer, 9
        context.color_range = 2 if full else 1
        frame = av.VideoFrame(len(luma), 32, format_name)
        kind = np.uint16 if bits == 10 else np.uint8
        for index, plane in enumerate(frame.planes):
            row = luma if index == 0 else np.full(len(luma) // 2, 1 << bits - 1)
            width = plane.line_size // np.dtype(kind).itemsize
            padded = np.pad(row, (0, width - len(row))).astype(kind)
            plane.update(np.tile(padded, (plane.height, 1)).tobytes())
        frame.pts, frame.time_base, frame.color_range = 0, Fraction(1, 25), context.color_range
        frame.colorspace = 9
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def shown(path: Path, count: int, **options: Any) -> tuple[list[int], VideoReader]:
    """Values of R = G = B in the middle of each patch."""
    with VideoReader(path, **options) as reader:
        rgb = next(reader).planes[0]
    middles = rgb[:, 16, 16::32]
    assert np.ptp(middles.astype(int), axis=0).max() <= 1
    assert middles.shape == (3, count)
    return [int(value) for value in middles[0]], reader


def sdr(light: float) -> int:
    """8-bit value of light in units of SDR white on a display of gamma 2.4."""
    return round(255 * min(light, 1) ** (1 / 2.4))


NITS = [0.0, 1.0, 20.0, 100.0, 203.0, 500.0, 1000.0, 4000.0, 10000.0]


@pytest.mark.parametrize("full", [False, True])
def test_pq_is_tone_mapped(tmp_path: Path, full: bool) -> None:
    path = patches(tmp_path / "pq.mkv", [pq_signal(nits) for nits in NITS], PQ, full=full)
    found, reader = shown(path, len(NITS))
    wanted = [sdr(shoulder(nits / 203)) for nits in NITS]
    assert np.abs(np.subtract(found, wanted)).max() <= 2
    assert found[-3:] == [255, 255, 255]
    assert reader.format.color == SDR
    assert reader.format.bit_depth == 10
    assert "its HDR (PQ) was tone-mapped, in BT.709" in reader.notes
    assert not any("colour matrix" in note for note in reader.notes)


def test_pq_is_cut_off(tmp_path: Path) -> None:
    path = patches(tmp_path / "pq.mkv", [pq_signal(nits) for nits in NITS], PQ)
    found, reader = shown(path, len(NITS), hdr="clip")
    assert np.abs(np.subtract(found, [sdr(nits / 203) for nits in NITS])).max() <= 2
    assert "its HDR (PQ) was cut off at SDR white, in BT.709" in reader.notes


def test_hlg_is_tone_mapped(tmp_path: Path) -> None:
    signals = [0.0, 0.38, 0.75, 1.0]  # black, gray card, reference white and peak of BT.2408
    path = patches(tmp_path / "hlg.mkv", signals, HLG)
    found, reader = shown(path, 4)
    wanted = [sdr(shoulder(nits / 203)) for nits in (0, 26, 203, 1000)]
    assert np.abs(np.subtract(found, wanted)).max() <= 3
    assert "its HDR (HLG) was tone-mapped, in BT.709" in reader.notes


def test_curve_rises_to_white_without_a_kink() -> None:
    light = np.linspace(0, PEAK, 1000)
    curve = np.array([shoulder(value) for value in light])
    steps = np.diff(curve) / np.diff(light)
    assert curve[-1] == pytest.approx(1)
    assert steps.min() > 0
    assert np.abs(np.diff(steps)).max() < 0.02


def test_hues_stay(tmp_path: Path) -> None:
    """A bright red of BT.709 stays red: G and B of the result are low."""
    path = tmp_path / "red.mkv"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "gbrp10le"
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace = 9, PQ, 0
        light = np.array([0.627404, 0.069097, 0.016391]) * 900  # BT.709's red in BT.2020
        codes = [round(1023 * pq_signal(nits)) for nits in light]
        frame = av.VideoFrame(32, 32, "gbrp10le")
        for plane, code in zip(frame.planes, (codes[1], codes[2], codes[0]), strict=True):
            plane.update(np.full(plane.buffer_size // 2, code, np.uint16).tobytes())
        frame.pts, frame.time_base = 0, Fraction(1, 25)
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    with VideoReader(path) as reader:
        red, green, blue = (int(value) for value in next(reader).planes[0][:, 16, 16])
    assert red > 230
    assert max(green, blue) < 40


def test_hdr_is_refused_on_demand(tmp_path: Path) -> None:
    path = patches(tmp_path / "pq.mkv", [0.5], PQ)
    with pytest.raises(SourceError, match=r"pq\.mkv is HDR \(PQ\).*--hdr tonemap"):
        VideoReader(path, hdr="refuse")
    with pytest.raises(UsageError, match="hdr is 'no'"):
        VideoReader(path, hdr="no")  # type: ignore[arg-type]


@pytest.mark.parametrize(("transfer", "bits"), [(1, 10), (PQ, 8), (HLG, 8)])
def test_others_stay_as_they_are(tmp_path: Path, transfer: int, bits: int) -> None:
    path = patches(tmp_path / "in.mkv", [0.2, 0.5, 0.8], transfer, bits=bits)
    with VideoReader(path, hdr="refuse", frame_format="yuv420") as reader:
        assert reader.format.color == ColorSpec(9, transfer, 9)
        luma = next(reader).planes[0][16, 16::32]
    assert np.abs(luma - np.array([16 + 219 * v for v in (0.2, 0.5, 0.8)])).max() <= 1


def test_stream_of_hdr_says_sdr(tmp_path: Path, synthetic: ModuleType) -> None:
    path = patches(tmp_path / "pq.mkv", [pq_signal(nits) for nits in NITS], PQ)
    report = streamcodec.encode(path, tmp_path / "out.ssf", preset="fast")
    assert "its HDR (PQ) was tone-mapped, in BT.709" in report.notes
    with streamcodec.open(tmp_path / "out.ssf") as video:
        assert video.header.video.color == SDR
        assert video.header.video.bit_depth == 10
    with pytest.raises(SourceError, match="is HDR"):
        streamcodec.encode(path, tmp_path / "no.ssf", hdr="refuse")
