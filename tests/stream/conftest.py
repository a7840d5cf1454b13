import io
from dataclasses import dataclass
from fractions import Fraction

import pytest
import torch
from torch import Tensor

from streamcodec import EncodeOptions, Encoder
from streamcodec.codec import Codec
from streamcodec.container import Index, Reader
from streamcodec.types import VideoFormat
from support.streams import stream_of

PTS = (0, 3, 4, 9, 10, 11, 15, 18, 19, 25)  # a variable frame rate


@dataclass(frozen=True)
class Coded:
    """A short stream and what its frames decode to."""

    data: bytes
    frames: Tensor
    pts: tuple[int, ...]
    time_base: Fraction

    @property
    def index(self) -> Index:
        return Reader(io.BytesIO(self.data)).index


def moving_clip(count: int, height: int = 37, width: int = 53) -> Tensor:
    """(T, 3, H, W) uint8: noise that moves."""
    base = torch.randint(
        0, 256, (3, height, width), generator=torch.Generator().manual_seed(1), dtype=torch.uint8
    )
    return torch.stack([base.roll(2 * shift, dims=2) for shift in range(count)])


@pytest.fixture(scope="session")
def coded(tiny_codec: Codec) -> Coded:
    return encoded_by(tiny_codec)


def encoded_by(codec: Codec) -> Coded:
    """10 frames of 53x37 in GOPs of 4."""
    video = VideoFormat(53, 37, time_base=Fraction(1, 12), frame_rate=Fraction(5))
    encoder = Encoder(
        video, EncodeOptions(gop=4, scenecut=0, b_frames=0), codec=codec, metadata={"title": "test"}
    )
    packets, shown = [], []
    for frame, pts in zip(moving_clip(len(PTS)), PTS, strict=True):
        packets += encoder.push(frame, pts=pts, duration=1)
        shown.append(encoder.reconstruction.data)
    packets += encoder.flush()
    return Coded(stream_of(encoder.header, packets), torch.stack(shown), PTS, video.time_base)
