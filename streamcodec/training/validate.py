"""What weights reach on real clips, in coded bits: `python -m streamcodec.training.validate WEIGHTS CLIP... --out FILE`.

Each clip is one GOP: an I-frame and P-frames. PSNR is that of the 8-bit pictures: YUV as (6 Y + U + V) / 8 after conversion to the source's
4:2:0 samples, and RGB, as the mean over the frames. Never train on the clips that are measured.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from streamcodec.codec import Codec, iter_encode_gop
from streamcodec.metrics import psnr_db, psnr_yuv_db
from streamcodec.types import QUALITIES
from streamcodec.video import VideoReader, to_rgb, to_yuv420
from streamcodec.weights import load_codec

__all__ = ["Measurement", "measure_clip"]


@dataclass(frozen=True)
class Measurement:
    """One clip at one quality: coded bits per pixel of all frames, of the I-frame, of the P-frames; PSNR in dB. Means over frames."""

    clip: str
    quality: int
    frames: int
    bpp: float
    i_bpp: float
    p_bpp: float
    psnr_yuv_db: float
    psnr_rgb_db: float
    i_psnr_yuv_db: float
    first_p_psnr_yuv_db: float
    last_p_psnr_yuv_db: float


def measure_clip(codec: Codec, path: Path, quality: int, frames: int) -> Measurement:
    """Encode the first `frames` frames of a clip as one GOP."""
    with VideoReader(str(path), frame_format="yuv420", max_frames=frames) as reader:
        color = reader.format.color
        sources = [(frame.planes[0], frame.planes[1], frame.planes[2]) for frame in reader]
    pictures = [to_rgb(planes, color) for planes in sources]
    bits, yuv, rgb = [], [], []
    coding = iter_encode_gop(codec, ((picture,) for picture in pictures), quality)
    for planes, picture, coded in zip(sources, pictures, coding, strict=True):
        decoded = coded.planes[0]
        bits.append(8 * len(coded.payload) / planes[0].size)
        yuv.append(psnr_yuv_db(to_yuv420(decoded, color), planes))
        rgb.append(psnr_db(decoded, picture))
    later_bits, later_yuv = bits[1:] or bits, yuv[1:] or yuv
    return Measurement(
        clip=path.stem, quality=quality, frames=len(bits), bpp=_mean(bits), i_bpp=bits[0], p_bpp=_mean(later_bits), psnr_yuv_db=_mean(yuv),
        psnr_rgb_db=_mean(rgb), i_psnr_yuv_db=yuv[0], first_p_psnr_yuv_db=later_yuv[0], last_p_psnr_yuv_db=later_yuv[-1],
    )  # fmt: skip


def gain_row_qualities(rows: int) -> list[int]:
    """The qualities nearest to the trained rows."""
    return [round(row * (QUALITIES - 1) / (rows - 1)) for row in range(rows)]


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def measure_all(codec: Codec, clips: Sequence[Path], qualities: Sequence[int], frames: int) -> Iterator[Measurement]:
    for clip in clips:
        for quality in qualities:
            yield measure_clip(codec, clip, quality, frames)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, help="folder of quarter-image.safetensors and quarter-flow.safetensors")
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, help="JSON lines are appended to this file")
    parser.add_argument("--frames", type=int, default=32)
    parser.add_argument("--quality", type=int, nargs="+", default=gain_row_qualities(5))
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    names = [str(arguments.weights / f"{name}.safetensors") for name in ("quarter-image", "quarter-flow")]
    codec = load_codec(*names, device="cpu")
    for row in measure_all(codec, arguments.clips, arguments.quality, arguments.frames):
        line = json.dumps(asdict(row))
        print(line, flush=True)
        if arguments.out:
            with arguments.out.open("a") as file:
                print(line, file=file)


if __name__ == "__main__":
    main()
