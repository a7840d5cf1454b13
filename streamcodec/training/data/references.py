"""Pairs as the codec will see them: a frame, and its prediction from decoded frames before it, with
motion searched there.

The frames before are decoded from what x264 made of them, or coded by the codec's own P-frames one
after the other.
"""

import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from streamcodec._native import InterModel, IntraModel, predict_motion
from streamcodec.codec.dct_weights import load_dct_weights
from streamcodec.errors import ModelError
from streamcodec.motion import default_motion_tables
from streamcodec.quality import motion_lambda_16, q_of, quality_of
from streamcodec.training.data.planes import Planes, planes_of, video_frame

__all__ = [
    "CodedPicture",
    "Predicted",
    "load_models",
    "predict_from_codec",
    "predict_from_x264",
    "through_x264",
]


@dataclass(frozen=True)
class Predicted:
    """`frame` and its `prediction`; `q` of the P-frame. `before`: |symbols| of the P-frame
    before, (H / 8, W / 8, 96) uint8; None: there is none."""

    frame: Planes
    prediction: Planes
    q: float
    before: NDArray[np.uint8] | None = None


def predict_from_x264(clip: list[Planes], q: float) -> list[Predicted]:
    """All frames but the first, on references that x264 coded with CRF `q` and without delay."""
    coded = through_x264(clip, preset="veryfast", crf=f"{q:.1f}")
    decoded = [picture.planes for picture in coded]
    tables, field = default_motion_tables(), None
    pairs = []
    for number in range(1, len(clip)):
        reference, key = decoded[number - 1], decoded[0] if number > 1 else None
        field = tables.search(
            clip[number][0],
            reference[0],
            key[0] if key else None,
            field,
            quality=quality_of(q),
            lambda_16=motion_lambda_16(q),
        )
        pairs.append(Predicted(clip[number], predict_motion(field, reference, key), q))
    return pairs


def predict_from_codec(
    clip: list[Planes], q: float, intra_offset: float, models: tuple[IntraModel, InterModel]
) -> list[Predicted]:
    """All frames but the first, which is coded with `q` - `intra_offset`, as the codec's encoder
    predicted them."""
    intra, inter = models
    quality = quality_of(q)
    _, key = intra.encode(clip[0], quality_of(q - intra_offset))
    reference, pairs = key, []
    for frame in clip[1:]:
        _, coded = inter.encode(frame, quality, reference)
        assert coded.motion is not None
        prediction = predict_motion(coded.motion, reference.planes(), key.planes())
        pairs.append(Predicted(frame, prediction, q_of(quality), reference.magnitudes))
        reference = coded
    return pairs


@cache
def load_models(intra: Path, inter: Path) -> tuple[IntraModel, InterModel]:
    """Of two weights files. Raises ModelError."""
    first, second = load_dct_weights(intra).native(), load_dct_weights(inter).native()
    if not isinstance(first, IntraModel) or not isinstance(second, InterModel):
        raise ModelError(
            f"{intra} and {inter} are not weights of I-frames and of P-frames, in this order"
        )
    return first, second


@dataclass(frozen=True)
class CodedPicture:
    """A frame as x264 decodes it, and the bits of its packet."""

    planes: Planes
    bits: int


def through_x264(clip: list[Planes], **options: str) -> list[CodedPicture]:
    """Frames coded by x264 with these options of FFmpeg beside tune zerolatency: without delay."""
    file = io.BytesIO()
    height, width = clip[0][0].shape
    with av.open(file, "w", format="matroska") as container:
        stream = container.add_stream(
            "libx264", rate=25, options={**options, "tune": "zerolatency"}
        )
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.thread_count = 1
        for number, planes in enumerate(clip):
            frame = video_frame(planes)
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    file.seek(0)
    with av.open(file, "r") as coded:
        packets = list(coded.demux(video=0))  # the last one is empty and ends the decoding
        frames = [frame for packet in packets for frame in packet.decode()]
    return [
        CodedPicture(planes_of(frame), 8 * packet.size)
        for packet, frame in zip(packets, frames, strict=False)
        if isinstance(frame, av.VideoFrame)
    ]
