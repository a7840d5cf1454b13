"""Writes the golden coded stream of the current format version into tests/codec/golden, with the tiny models that code it.

It is kept for ever: every later version must decode it to the same symbols. Run this once for a new format version
(the file names carry it), never over files that exist.

    python tools/make_golden_codec.py

    golden-image.safetensors, golden-flow.safetensors   untrained models with few channels and few tables
    v1.0.ssf                                            two GOPs of 48x40 pixels
    v1.0.json                                           SHA-256 of all symbols
    v1.0.npy                                            the decoded frames, (T, 3, H, W) uint8
"""

import hashlib
import json
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch

from streamcodec import EncodeOptions, Encoder, Video, load_codec, open
from streamcodec.codec import Codec
from streamcodec.codec.channel import DecoderChannel
from streamcodec.container import Writer
from streamcodec.types import VideoFormat

TESTS = Path(__file__).parents[1] / "tests"
sys.path.insert(0, str(TESTS))
from tiny import save_tiny_models  # noqa: E402 (lies with the tests)

GOLDEN = TESTS / "codec" / "golden"
VERSION = "v1.0"
SCALES = [0.12, 0.2, 0.35, 0.6, 1.0, 1.7, 3.0, 5.0, 8.0]
MODELS = tuple(str(GOLDEN / f"golden-{part}.safetensors") for part in ("image", "flow"))


def make_stream(codec: Codec) -> None:
    base = torch.randint(
        0, 256, (3, 40, 48), generator=torch.Generator().manual_seed(5), dtype=torch.uint8
    )
    encoder = Encoder(
        VideoFormat(48, 40, Fraction(1, 25), Fraction(25)),
        EncodeOptions(quality=63, gop=3, scenecut=0),
        codec=codec,
    )
    with (GOLDEN / f"{VERSION}.ssf").open("xb") as file:
        writer = Writer(file, encoder.header)
        packets = [
            packet for shift in range(5) for packet in encoder.push(base.roll(2 * shift, dims=2))
        ]
        for packet in packets + encoder.flush():
            writer.write(packet)
        writer.finish()


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
    save_tiny_models(GOLDEN, "golden", 11, SCALES)
    make_stream(load_codec(*MODELS, device="cpu"))
    video = open(GOLDEN / f"{VERSION}.ssf", device="cpu", intra=MODELS[0], inter=MODELS[1])
    frames = np.stack([frame.array for frame in video])
    np.save(GOLDEN / f"{VERSION}.npy", frames)
    (GOLDEN / f"{VERSION}.json").write_text(
        json.dumps({"symbols_sha256": symbols_digest(video)}, indent=1) + "\n"
    )


if __name__ == "__main__":
    main()
