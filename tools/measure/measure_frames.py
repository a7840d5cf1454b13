#!/usr/bin/env python3
"""The default models frame by frame, beside x264 and beside their float originals: what whole videos do not show.

    tools/measure/measure_frames.py CLIP ... [--what intra inter integers] [--frames 32] [--weights INTRA INTER]

intra     I-frames alone, the first and the 17th frame of each clip, against x264's intra pictures (medium, constant QP): BD-rate
inter     P-frames alone: x264 (medium, zerolatency) codes a GOP of --frames frames; ours code the P-frames after the very I-frame that
          x264 decodes. Bits of the P-frames for the same mean PSNR of the P-frames, at each CRF; those of quality 0 where that has more
integers  what integers cost: the first frames of each clip coded by the native models, and each of them by the float graphs, given
          the same prediction and the same last symbols. "rounded" are float graphs that round and limit as the integers do, which is
          the price of integers alone; what else separates "native" from them are its tables and its choice of symbols by their bits

PSNR is of Y, U and V, weighted 6:1:1. Prints tables in Markdown.
"""

import argparse
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open

from streamcodec._native import (
    InterModel,
    IntraModel,
    MotionTables,
    Reference,
    Tables,
    predict_motion,
)
from streamcodec.codec.dct_weights import SCALE_ROWS, load_dct_weights
from streamcodec.metrics import RateCurve, bd_rate, psnr_yuv_db
from streamcodec.models.dct.gains import lagrangian
from streamcodec.models.dct.inter import DctInter
from streamcodec.models.dct.intra import DctIntra
from streamcodec.models.dct.restore import restore_model
from streamcodec.quality import q_of, quality_of
from streamcodec.training.data.planes import Planes, window
from streamcodec.training.data.references import load_models, through_x264
from streamcodec.training.integers import round_as_integers
from streamcodec.types import QUALITIES
from streamcodec.video import VideoReader
from streamcodec.weights import PACKAGED

INTRA_FRAMES = (0, 16)
INTRA_QPS = range(12, 45, 4)
INTRA_QUALITIES = (0, 13, 25, 38, 50, 63)
CRFS = (19, 24, 29)
NEAR = 4
INTEGER_QS = (12.0, 28.0, 44.0)
INTEGER_FRAMES = 3
CHROMA_WEIGHT = 1.5

Models = tuple[IntraModel, InterModel]


@dataclass(frozen=True)
class Point:
    """Sum of the bits and mean of the PSNR of some frames."""

    bits: float
    psnr_db: float


def point(sources: Sequence[Planes], shown: Sequence[Planes], bits: Sequence[float]) -> Point:
    decibels = [psnr_yuv_db(a, b) for a, b in zip(sources, shown, strict=True)]
    return Point(sum(bits), float(np.mean(decibels)))


def intra_percent(clip: list[Planes], intra: IntraModel) -> float:
    """BD-rate of I-frames against x264's."""
    frames = [clip[number] for number in INTRA_FRAMES if number < len(clip)]

    def theirs(qp: int) -> Point:
        options = {"preset": "medium", "qp": str(qp), "x264-params": "keyint=1"}
        coded = through_x264(frames, **options)
        return point(frames, [each.planes for each in coded], [each.bits for each in coded])

    def ours(quality: int) -> Point:
        coded = [intra.encode(frame, quality) for frame in frames]
        shown = [reference.planes() for _, reference in coded]
        return point(frames, shown, [8 * len(payload) for payload, _ in coded])

    curves = [
        RateCurve.of([each.bits for each in points], [each.psnr_db for each in points])
        for points in ([theirs(qp) for qp in INTRA_QPS], [ours(q) for q in INTRA_QUALITIES])
    ]
    return bd_rate(*curves).percent


def inter_percent(clip: list[Planes], crf: int, inter: InterModel) -> float:
    """Bits of our P-frames after x264's I-frame, against its own P-frames at the same PSNR, in percent more."""
    options = {"preset": "medium", "crf": str(crf), "x264-params": "keyint=infinite:scenecut=0"}
    coded = through_x264(clip, **options)
    theirs = point(clip[1:], [each.planes for each in coded[1:]], [each.bits for each in coded[1:]])

    def ours(quality: int) -> Point:
        reference, shown, bits = Reference(coded[0].planes), [], []
        for frame in clip[1:]:
            payload, reference = inter.encode(frame, quality, reference)
            shown.append(reference.planes())
            bits.append(8 * len(payload))
        return point(clip[1:], shown, bits)

    return 100 * (bits_at(theirs.psnr_db, ours, quality_of(crf + 10)) / theirs.bits - 1)


def bits_at(psnr_db: float, code: Callable[[int], Point], guess: int) -> float:
    """Bits for this PSNR, on a line between two qualities that are NEAR and on either side of it.

    Where quality 0 has more PSNR than that, its bits; where 63 has less, its bits.
    """
    at = cache(code)
    low = high = guess
    while low > 0 and at(low).psnr_db > psnr_db:
        low, high = max(low - 2 * NEAR, 0), low
    while high < QUALITIES - 1 and at(high).psnr_db < psnr_db:
        low, high = high, min(high + 2 * NEAR, QUALITIES - 1)
    if low == high or at(low).psnr_db > psnr_db:
        return at(low).bits
    if at(high).psnr_db < psnr_db:
        return at(high).bits
    while high - low > NEAR:
        middle = (low + high) // 2
        low, high = (middle, high) if at(middle).psnr_db < psnr_db else (low, middle)
    share = (psnr_db - at(low).psnr_db) / (at(high).psnr_db - at(low).psnr_db)
    return math.exp((1 - share) * math.log(at(low).bits) + share * math.log(at(high).bits))


@dataclass
class Cost:
    """Of frames of one kind coded one way, summed up: bits, PSNR, squared error / lambda + bits."""

    frames: int = 0
    bits: float = 0.0
    psnr_db: float = 0.0
    loss: float = 0.0

    def add(self, source: Planes, shown: Planes, bits: float, q: float) -> None:
        errors = [
            float(np.square(a.astype(float) - b).sum()) for a, b in zip(source, shown, strict=True)
        ]
        squared = errors[0] + CHROMA_WEIGHT * (errors[1] + errors[2])
        self.frames += 1
        self.bits += bits
        self.psnr_db += psnr_yuv_db(source, shown)
        self.loss += squared / float(lagrangian(torch.tensor(q))) + bits

    def beside(self, other: "Cost") -> str:
        """How this differs from the other, as cells of a table."""
        bits, loss = 100 * (self.bits / other.bits - 1), 100 * (self.loss / other.loss - 1)
        decibels = (self.psnr_db - other.psnr_db) / self.frames
        return f"{bits:+.2f} % | {decibels:+.3f} dB | {loss:+.2f} %"


class Floats:
    """The float graphs of both models: plain, or rounding as the integers do."""

    def __init__(self, weights: Sequence[Path], *, rounding: bool) -> None:
        self.intra, self.inter = (_float_model(path, rounding=rounding) for path in weights)
        inter = load_dct_weights(weights[1])
        self._weight = float(inter.rd_lambda[0]) / 65536

    @torch.no_grad()
    def code_intra(self, frame: Planes, q: float) -> tuple[Planes, float]:
        assert isinstance(self.intra, DctIntra)
        out = self.intra(_tensors(frame), torch.tensor([q]), self._weight)
        return _pictures(out.planes), float(out.bits)

    @torch.no_grad()
    def code_inter(
        self, frame: Planes, prediction: Planes, before: NDArray[np.uint8] | None, q: float
    ) -> tuple[Planes, float]:
        assert isinstance(self.inter, DctInter)
        height, width = frame[0].shape
        symbols = torch.zeros(1, 96, height // 8, width // 8)
        if before is not None:
            symbols = torch.from_numpy(before).permute(2, 0, 1)[None].float()
        planes = (_tensors(frame), _tensors(prediction))
        out = self.inter(*planes, symbols, torch.tensor([q]), self._weight)
        return _pictures(out.planes), float(out.bits)


def _float_model(path: Path, *, rounding: bool) -> DctInter | DctIntra:
    with safe_open(path, "numpy") as file:
        config = json.loads(file.metadata()["config"])
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    model = restore_model(arrays, config).eval()
    if rounding:
        round_as_integers(model, config["fraction_bits"])
    return model


def _tensors(planes: Planes) -> tuple[torch.Tensor, torch.Tensor]:
    y, u, v = (torch.from_numpy(plane).float() for plane in planes)
    return y[None, None], torch.stack((u, v))[None]


def _pictures(planes: tuple[torch.Tensor, torch.Tensor]) -> Planes:
    luma, chroma = (plane[0].round().clamp(0, 255).byte().numpy() for plane in planes)
    return luma[0], chroma[0], chroma[1]


def integer_costs(
    clips: list[list[Planes]], q: float, weights: Sequence[Path], models: Models
) -> dict[str, dict[str, Cost]]:
    """ "I" and "P" -> "floats", "rounded", "native" -> costs."""
    ways = {"floats": Floats(weights, rounding=False), "rounded": Floats(weights, rounding=True)}
    costs = {kind: {way: Cost() for way in (*ways, "native")} for kind in "IP"}
    quality, tables = quality_of(q), load_dct_weights(weights[1]).tables
    q = q_of(quality)
    motion_tables = MotionTables(
        Tables(tables.quantized_cdf, tables.cdf_length, tables.offset), SCALE_ROWS
    )
    for clip in clips:
        first = window(clip[0], 0, 0, *(side // 16 * 16 for side in clip[0][0].shape))
        payload, key = models[0].encode(first, quality)
        costs["I"]["native"].add(first, key.planes(), 8 * len(payload) - 16, q)
        for name, floats in ways.items():
            costs["I"][name].add(first, *floats.code_intra(first, q), q)
        reference = key
        for whole in clip[1:INTEGER_FRAMES]:
            frame = window(whole, 0, 0, *first[0].shape)
            before = reference
            payload, reference = models[1].encode(frame, quality, before)
            assert reference.motion is not None
            motion_bits = motion_tables.bits(
                reference.motion, previous=before.motion, has_key=not before.key, quality=quality
            )
            bits = 8 * len(payload) - 16 - motion_bits
            costs["P"]["native"].add(frame, reference.planes(), bits, q)
            prediction = predict_motion(reference.motion, before.planes(), key.planes())
            for name, floats in ways.items():
                coded = floats.code_inter(frame, prediction, before.magnitudes, q)
                costs["P"][name].add(frame, *coded, q)
    return costs


def report_intra(clips: dict[str, list[Planes]], models: Models) -> None:
    found = {name: intra_percent(clip, models[0]) for name, clip in clips.items()}
    print("\nI-frames alone against x264's\n\n| clip | BD-rate |\n|---|---|")
    for name, percent in (*found.items(), ("mean", float(np.mean([*found.values()])))):
        print(f"| {name} | {percent:+.1f} % |", flush=True)


def report_inter(clips: dict[str, list[Planes]], models: Models) -> None:
    print("\nP-frames after x264's I-frame: bits of P-frames against x264's\n")
    print(f"| clip | {' | '.join(f'CRF {crf}' for crf in CRFS)} | mean |")
    print("|---" * (len(CRFS) + 2) + "|")
    rows = []
    for name, clip in clips.items():
        rows.append([inter_percent(clip, crf, models[1]) for crf in CRFS])
        _print_percents(name, rows[-1])
    _print_percents("mean", np.mean(rows, 0).tolist())


def _print_percents(name: str, row: list[float]) -> None:
    cells = [f"{percent:+.1f} %" for percent in (*row, float(np.mean(row)))]
    print(f"| {name} | {' | '.join(cells)} |", flush=True)


def report_integers(
    clips: dict[str, list[Planes]], models: Models, weights: Sequence[Path]
) -> None:
    print("\nWhat integers cost: bits, PSNR, squared error / lambda + bits\n")
    print("| | q | rounded beside floats | | | native beside rounded | | |\n" + "|---" * 8 + "|")
    for q in INTEGER_QS:
        for kind, costs in integer_costs([*clips.values()], q, weights, models).items():
            rounded = costs["rounded"]
            cells = f"{rounded.beside(costs['floats'])} | {costs['native'].beside(rounded)}"
            print(f"| {kind}-frames | {q:g} | {cells} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", nargs="+", type=Path)
    what = ("intra", "inter", "integers")
    parser.add_argument("--what", nargs="+", choices=what, default=what)
    parser.add_argument("--frames", type=int, default=32)
    packaged = [PACKAGED / f"dct-{kind}.safetensors" for kind in ("intra", "inter")]
    parser.add_argument("--weights", nargs=2, type=Path, default=packaged)
    options = parser.parse_args()
    models = load_models(*options.weights)
    clips: dict[str, list[Planes]] = {}
    for path in options.clips:
        with VideoReader(path, frame_format="yuv420", max_frames=options.frames) as reader:
            frames = [frame.planes for frame in reader]
        clips[path.stem] = [(y, u, v) for y, u, v in frames]
    if "intra" in options.what:
        report_intra(clips, models)
    if "inter" in options.what:
        report_inter(clips, models)
    if "integers" in options.what:
        report_integers(clips, models, options.weights)


if __name__ == "__main__":
    main()
