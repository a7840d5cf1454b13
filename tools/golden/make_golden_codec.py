#!/usr/bin/env python3
"""Writes the golden coded streams of the current format version into tests/codec/golden, with the small models that code them.

They are kept for ever: every later version must decode them to the same symbols, and those of the default kind to the same
pictures. Run this once for a new format version (the file names carry it) and, with --release, once for every release, with the
weights that it ships. Files that exist stay as they are.

    python tools/golden/make_golden_codec.py [--release]

    golden-intra.safetensors, golden-inter.safetensors   models of the default kind: few channels, random weights (of format 1)
    golden-2-intra.safetensors, golden-2-inter...        likewise of format 2; golden-3-...: of format 3, with sets of rows
    v1.2-native-3.ssf                                    two GOPs of 53x37 pixels with B-frames, coded with them
    v1.2-native-3.json                                   SHA-256 of the planes of each decoded frame
    golden-3-hadamard.safetensors                        P-frames of format 3, transformed across macroblocks too
    v1.2-hadamard-3.ssf, v1.2-hadamard-3.json            likewise, coded with them
    v1.2-native-2.ssf, v1.2-native-2.json                likewise by models of format 2
    v1.1-native-2.ssf, v1.1-native-2.json                likewise of 70x54 pixels, without B-frames (v1.1-native: of format 1)
    golden-image.safetensors, golden-flow.safetensors    a mean-scale hyperprior and an ssf2020: few channels, untrained
    v1.0-zoo.ssf                                         two GOPs of 70x54 pixels, coded with them
    v1.0-zoo.json                                        SHA-256 of all symbols
    v1.0-zoo.npy                                         the decoded frames, (T, 3, H, W) uint8
    release-X.Y.Z.ssf, release-X.Y.Z.json                as v1.2-native-3, by the models that release X.Y.Z ships
"""

import hashlib
import json
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from streamcodec import EncodeOptions, Encoder, Video, load_codec, open
from streamcodec._version import __version__
from streamcodec.codec import Codec
from streamcodec.codec.channel import DecoderChannel
from streamcodec.codec.dct_random import random_weights
from streamcodec.codec.dct_weights import FORMAT, save_dct_weights
from streamcodec.container import Writer
from streamcodec.types import VideoFormat

TESTS = Path(__file__).parents[2] / "tests"
sys.path.insert(0, str(TESTS))
from support.b_frames import coded_runs  # noqa: E402 (lies with the tests)
from support.tiny import save_tiny_models  # noqa: E402

GOLDEN = TESTS / "codec" / "golden"
VERSION, ZOO_VERSION = "v1.2", "v1.0"  # the newest with something new for each kind
HADAMARD = (0, 1, 8, 64, 80)
RUNS = ((7, 0), (3, 2))
SIZE = (54, 70)
SCALES = [0.12, 0.2, 0.35, 0.6, 1.0, 1.7, 3.0, 5.0, 8.0]


def source() -> list[NDArray[np.uint8]]:
    """5 frames (3, H, W): soft noise that moves, and some that does not."""
    rng = np.random.default_rng(5)
    far, near = (
        np.kron(rng.integers(0, 120, (3, 20, 26)), np.ones((1, side, side))) for side in (4, 3)
    )
    height, width = SIZE
    frames = []
    for time in range(5):
        moved = np.roll(far, (time, 2 * time), (1, 2))[:, :height, :width]
        frames.append((moved + near[:, :height, :width]).astype(np.uint8))
    return frames


def make_stream(path: Path, codec: Codec) -> None:
    height, width = SIZE
    options = EncodeOptions(quality=44, gop=3, scenecut=0)
    encoder = Encoder(
        VideoFormat(width, height, Fraction(1, 25), Fraction(25)), options, codec=codec
    )
    with path.open("xb") as file:
        writer = Writer(file, encoder.header)
        packets = [packet for frame in source() for packet in encoder.push(frame)]
        for packet in packets + encoder.flush():
            writer.write(packet)
        writer.finish()


def models(intra: str, inter: str) -> dict[str, str]:
    return {
        "intra": str(GOLDEN / f"golden-{intra}.safetensors"),
        "inter": str(GOLDEN / f"golden-{inter}.safetensors"),
    }


def make_native() -> None:
    paths = models(f"{FORMAT}-intra", f"{FORMAT}-inter")
    for kind, path in paths.items():
        if not Path(path).exists():
            save_dct_weights(Path(path), random_weights(kind, seed=11, sets=3))
    make_exact(f"{VERSION}-native-{FORMAT}", paths)
    paths = models(f"{FORMAT}-intra", f"{FORMAT}-hadamard")
    path = Path(paths["inter"])
    if not path.exists():
        save_dct_weights(path, random_weights("inter", seed=11, sets=3, hadamard=HADAMARD))
    make_exact(f"{VERSION}-hadamard-{FORMAT}", paths)


def make_release() -> None:
    """A stream of the models that this version ships."""
    make_exact(f"release-{__version__}", {})


def make_exact(name: str, models: dict[str, str]) -> None:
    """A stream with B-frames, and what its frames decode to everywhere."""
    if (GOLDEN / f"{name}.ssf").exists():
        return
    with (GOLDEN / f"{name}.ssf").open("xb") as file:
        file.write(coded_runs(load_codec(**models), RUNS).data)
    with open(GOLDEN / f"{name}.ssf", **models) as video:
        digests = [
            hashlib.sha256(b"".join(plane.tobytes() for plane in frame.planes)).hexdigest()
            for frame in video
        ]
    (GOLDEN / f"{name}.json").write_text(json.dumps({"planes_sha256": digests}, indent=1) + "\n")


def make_zoo() -> None:
    paths, name = models("image", "flow"), f"{ZOO_VERSION}-zoo"
    if (GOLDEN / f"{name}.ssf").exists():
        return
    if not Path(paths["intra"]).exists():
        save_tiny_models(GOLDEN, "golden", 11, SCALES)
    make_stream(GOLDEN / f"{name}.ssf", load_codec(**paths, device="cpu"))
    with open(GOLDEN / f"{name}.ssf", device="cpu", **paths) as video:
        np.save(GOLDEN / f"{name}.npy", np.stack([frame.array for frame in video]))
        digest = symbols_digest(video)
    (GOLDEN / f"{name}.json").write_text(json.dumps({"symbols_sha256": digest}, indent=1) + "\n")


def symbols_digest(video: Video) -> str:
    """SHA-256 of all symbols of a stream, int32 little-endian, in the order in which they are decoded."""
    digest, code = hashlib.sha256(), DecoderChannel.code

    def hashing(
        self: DecoderChannel, symbols: torch.Tensor | None, indexes: torch.Tensor
    ) -> torch.Tensor:
        read = code(self, symbols, indexes)
        digest.update(read.numpy().astype("<i4").tobytes())
        return read

    DecoderChannel.code = hashing  # type: ignore[method-assign]
    try:
        for _ in video:
            pass
    finally:
        DecoderChannel.code = code  # type: ignore[method-assign]
    return digest.hexdigest()


def main() -> None:
    GOLDEN.mkdir(parents=True, exist_ok=True)
    makers = [make_release] if "--release" in sys.argv[1:] else [make_native, make_zoo]
    for make in makers:
        make()


if __name__ == "__main__":
    main()
