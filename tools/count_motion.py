#!/usr/bin/env python3
"""Counts the motion symbols of P-frames and writes them to the file that streamcodec.motion.default_tables() reads.

    tools/count_motion.py VIDEO_OR_FOLDER ... --weights INTRA INTER --out streamcodec/motion/counts.npz

Clips of 10 frames are drawn from the videos by chance and coded by the models, each at qualities from all four classes, so that
references, weights of bits and neighbours are the codec's own. A folder of pictures is a video too.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streamcodec import EncodeOptions
from streamcodec._native import InterModel, IntraModel
from streamcodec.codec.dct_weights import load_dct_weights
from streamcodec.training.data.planes import Planes
from streamcodec.training.data.sources import find_videos, read_clip

FRAMES = 10
SMALLEST = 192
CLASSES = 4


def count(
    clip: list[Planes], quality: int, intra: IntraModel, inter: InterModel
) -> NDArray[np.int64]:
    """Counts (rows, places) of all P-frames of a clip."""
    _, reference = intra.encode(clip[0], EncodeOptions().quality_of_key(quality))
    total, before = 0, None
    for number, frame in enumerate(clip[1:]):
        _, reference = inter.encode(frame, quality, reference)
        assert reference.motion is not None
        total = total + reference.motion.counts(
            previous=before, has_key=number > 0, quality=quality
        )
        before = reference.motion
    return np.asarray(total, np.int64)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("videos", nargs="+", type=Path)
    parser.add_argument("--weights", nargs=2, type=Path, required=True, metavar=("INTRA", "INTER"))
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    intra, inter = (load_dct_weights(path).native() for path in options.weights)
    assert isinstance(intra, IntraModel)
    assert isinstance(inter, InterModel)
    rng = np.random.default_rng(options.seed)
    videos, total, done = find_videos(tuple(options.videos)), None, 0
    while done < options.clips:
        clip = read_clip(videos[rng.integers(len(videos))], FRAMES, SMALLEST, rng)
        if clip is None:
            continue
        quality = done % CLASSES * (64 // CLASSES) + int(rng.integers(64 // CLASSES))
        counts = count(clip, quality, intra, inter)
        total = counts if total is None else total + counts
        done += 1
    assert total is not None
    np.savez_compressed(options.out, counts=total.astype(np.int32))
    print(f"{int(total.sum())} symbols of {done} clips")


if __name__ == "__main__":
    main()
