#!/usr/bin/env python3
"""Chooses what gradients choose badly in weights of P-frames, on coded videos.

    tools/tune_weights.py VIDEO_OR_FOLDER ... --weights INTRA INTER --out NEW_INTER.safetensors

Factors on what the analysis network adds and on the quantiser's steps, each by bands of frequencies, and
on P-frames' weight of a bit: coordinate descent on the mean BD-rate of the videos against the weights as
they were, PSNR YUV 6:1:1. Only the encoder's side changes, and steps: sizes and arithmetic stay. Each
video gives one piece of 320x224 pixels. A folder of pictures is a video too. Every gain is printed.
"""

import argparse
import random
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from streamcodec import EncodeOptions
from streamcodec._native import InterModel, IntraModel
from streamcodec.codec.dct_weights import (
    DctWeights,
    load_dct_weights,
    read_weights_file,
    save_dct_weights,
)
from streamcodec.errors import SourceError
from streamcodec.files import replace_on_success
from streamcodec.metrics import RateCurve, bd_rate, psnr_yuv_db
from streamcodec.training.data.planes import Planes, middle
from streamcodec.training.data.sources import find_videos, read_clip

HEIGHT, WIDTH = 224, 320
QUALITIES = (6, 18, 32, 46)
LUMA_BANDS, CHROMA_BANDS = (1, 2, 4, 7), (1, 3)
"""Where the next band begins: the sum of both frequencies of a coefficient."""
LEAST_GAIN = 0.01
"""In percent; less is chance."""
LAST_LAYER = "network.analysis.2"
Arrays = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Factors:
    """`analysis`, `steps`: a factor for each band; `bit`: on the weight of a bit."""

    analysis: tuple[float, ...]
    steps: tuple[float, ...]
    bit: float = 1.0

    def moved(self, kind: str, band: int, factor: float) -> "Factors":
        if kind == "bit":
            return replace(self, bit=self.bit * factor)
        values = list(getattr(self, kind))
        values[band] *= factor
        return replace(self, **{kind: tuple(values)})


def bands() -> NDArray[np.int64]:
    """The band of each of the 96 channels: luma's, then those of U and V together."""
    luma = np.add.outer(np.arange(8), np.arange(8)).ravel()
    chroma = np.tile(np.add.outer(np.arange(4), np.arange(4)).ravel(), 2)
    return np.concatenate(
        (
            np.searchsorted(LUMA_BANDS, luma, "right"),
            len(LUMA_BANDS) + 1 + np.searchsorted(CHROMA_BANDS, chroma, "right"),
        )
    )


def apply(arrays: Arrays, factors: Factors) -> Arrays:
    """The arrays of a weights file with these factors."""
    analysis, steps = (np.array(each)[bands()] for each in (factors.analysis, factors.steps))
    half = 2.0 ** (arrays[f"{LAST_LAYER}.shift"].astype(np.float64) - 1)  # biases round too
    bias = (arrays[f"{LAST_LAYER}.bias"].astype(np.float64) - half) * analysis + half
    weights = arrays[f"{LAST_LAYER}.weights"] * analysis[:, None, None]
    return arrays | {
        f"{LAST_LAYER}.weights": np.round(weights).astype(np.int16),
        f"{LAST_LAYER}.bias": np.round(bias).astype(np.int32),
        "step": np.round(arrays["step"] * steps).clip(64, 65535).astype(np.int32),
        "gain": np.round(arrays["gain"] / steps).clip(1, 262144).astype(np.int32),
        "rd_lambda": np.round(arrays["rd_lambda"] * factors.bit).clip(0, 2**20).astype(np.int32),
    }


def curve(clip: list[Planes], intra: IntraModel, inter: InterModel) -> RateCurve:
    """Bits of a frame and PSNR at QUALITIES."""
    rates, psnr = [], []
    for quality in QUALITIES:
        payload, reference = intra.encode(clip[0], EncodeOptions().quality_of_key(quality))
        size, values = len(payload), [psnr_yuv_db(reference.planes(), clip[0])]
        for frame in clip[1:]:
            payload, reference = inter.encode(frame, quality, reference)
            size += len(payload)
            values.append(psnr_yuv_db(reference.planes(), frame))
        rates.append(8 * size / len(clip))
        psnr.append(fmean(values))
    return RateCurve.of(rates, psnr)


def pieces(paths: list[Path], frames: int) -> list[list[Planes]]:
    """Of all videos that are long enough and 320 pixels high and wide."""
    found, rng = [], np.random.default_rng(1)
    for path in find_videos(paths):
        try:
            clip = read_clip(path, frames, WIDTH, rng)
        except SourceError as error:
            print(f"left out: {error}")
            continue
        if clip is not None:
            found.append([middle(frame, HEIGHT, WIDTH) for frame in clip])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("videos", nargs="+", type=Path)
    parser.add_argument("--weights", nargs=2, type=Path, required=True, metavar=("INTRA", "INTER"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--frames", type=int, default=10)
    parser.add_argument("--steps", nargs="+", type=float, default=[1.2, 1.1, 1.05])
    arguments = parser.parse_args()
    clips = pieces(arguments.videos, arguments.frames)
    if not clips:
        parser.error(f"no video has {arguments.frames} frames of {WIDTH}x{WIDTH} or more")
    intra = load_dct_weights(arguments.weights[0]).native()
    config, arrays = read_weights_file(arguments.weights[1])

    def curves_of(factors: Factors) -> list[RateCurve]:
        inter = DctWeights.of(config, apply(arrays, factors)).native()
        return [curve(clip, intra, inter) for clip in clips]

    count = int(bands().max()) + 1
    best, least = Factors((1.0,) * count, (1.0,) * count), 0.0
    base = curves_of(best)
    print(f"{len(clips)} videos, {arguments.frames} frames each")
    moves = [(kind, band) for kind in ("analysis", "steps") for band in range(count)] + [("bit", 0)]
    for step in arguments.steps:
        random.Random(step).shuffle(moves)
        for kind, band in moves:
            for factor in (step, 1 / step):
                tried = best.moved(kind, band, factor if kind == "analysis" else factor ** (1 / 3))
                pairs = zip(base, curves_of(tried), strict=True)
                gain = fmean(bd_rate(*pair).percent for pair in pairs)
                if gain < least - LEAST_GAIN:
                    best, least = tried, gain
                    print(f"{kind} {band} times {factor:.2f}: {least:+.2f} %", flush=True)
                    break
    with replace_on_success(arguments.out, overwrite=True) as part:
        save_dct_weights(part, DctWeights.of(config, apply(arrays, best)), **config)
    print(f"{arguments.out}: {least:+.2f} %, {best}")


if __name__ == "__main__":
    main()
