"""Encode a clip, decode it, and compare: one row."""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import zip_longest
from operator import add
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import av
import numpy as np
import torch
from numpy.typing import NDArray

import streamcodec
from streamcodec.errors import SourceError, StreamCodecError
from streamcodec.metrics import frame_mse, ms_ssim, mse, mse_to_psnr_db, psnr_db
from streamcodec.runtime import set_threads
from streamcodec.types import FrameFormat, RawFrame
from streamcodec.video import VideoReader, VideoWriter, rgb_of, yuv420_of

from .anchors import THREADS, anchor_named
from .rows import OURS, Measurement, Row

__all__ = ["Coded", "encode_anchor", "encode_ours", "measure", "row_of"]


class Picture(NamedTuple):
    """A frame both ways: Y, U and V of 4:2:0, and (3, H, W) RGB, uint8."""

    planes: tuple[NDArray[np.uint8], ...]
    rgb: NDArray[np.uint8]


class Compared(NamedTuple):
    """A decoded frame against the source's: PSNR of Y, U and V, mean squared errors by format as
    `encode` has them, MS-SSIM of luma."""

    psnr_planes_db: tuple[float, ...]
    errors: dict[FrameFormat, float]
    ms_ssim: float

    @property
    def psnr_yuv_db(self) -> float:
        """6:1:1."""
        luma, u, v = self.psnr_planes_db
        return (6 * luma + u + v) / 8


class Timed:
    """An iterable that keeps count of the seconds spent inside it."""

    def __init__(self, items: Iterable[Any]) -> None:
        self._items = items
        self.seconds = 0.0

    def __iter__(self) -> Iterator[Any]:
        iterator = iter(self._items)
        while True:
            started = time.perf_counter()
            try:
                item = next(iterator)
            except StopIteration:
                return
            finally:
                self.seconds += time.perf_counter() - started
            yield item


@dataclass(frozen=True)
class Coded:
    """A coded clip: its size, and how it decodes. `decoder` is timed; `pictures` draws on it.
    `psnr_db`: what the encoder says that it has reconstructed, if it does, of the planes of
    `frame_format`."""

    size_bytes: int
    encode_seconds: float
    decoder: Timed
    pictures: Iterator[Picture]
    psnr_db: float | None = None
    frame_format: FrameFormat = "yuv420"


def row_of(job: Measurement) -> Row | str:
    """The result of a job: its row, or why there is none."""
    try:
        return measure(job)
    except StreamCodecError as error:
        return str(error)


def measure(job: Measurement) -> Row:
    """Raises a StreamCodecError if the clip cannot be read, is too small for MS-SSIM, or does not
    come back as it was encoded."""
    set_threads(THREADS)
    with TemporaryDirectory() as folder:
        coded = (
            encode_ours(job, Path(folder))
            if job.codec == OURS
            else encode_anchor(job, Path(folder))
        )
        with reader(job, "yuv420") as source, reader(job, "rgb") as same:
            pictures = (
                Picture(frame.planes, rgb.planes[0])
                for frame, rgb in zip(source, same, strict=True)
            )
            compared = [
                _compare(picture, shown, job)
                for picture, shown in zip_longest(pictures, coded.pictures)
            ]
    psnr_db = _mean_psnr_db(compared, coded.frame_format)
    if coded.psnr_db not in (None, psnr_db):
        raise SourceError(
            f"{job.clip.path} at quality {job.setting} decodes to {psnr_db} dB; the encoder had {coded.psnr_db} dB"
        )
    return Row(
        clip=job.clip.path.stem,
        clip_sha256=job.clip_sha256,
        codec=job.codec,
        setting=job.setting,
        gop=job.gop,
        version=job.version,
        options=job.options,
        max_frames=job.max_frames,
        width=source.format.width,
        height=source.format.height,
        size_bytes=coded.size_bytes,
        psnr_yuv_db=tuple(round(each.psnr_yuv_db, 4) for each in compared),
        psnr_rgb_db=round(_mean_psnr_db(compared, "rgb"), 4),
        psnr_planes_db=_of_planes(compared),
        ms_ssim=fmean(each.ms_ssim for each in compared),
        encode_fps=len(compared) / coded.encode_seconds,
        decode_fps=len(compared) / coded.decoder.seconds,
    )


def reader(job: Measurement, frame_format: FrameFormat) -> VideoReader:
    return VideoReader(job.clip.path, frame_format=frame_format, max_frames=job.max_frames)


def _compare(source: Picture | None, shown: Picture | None, job: Measurement) -> Compared:
    if source is None or shown is None:
        raise SourceError(
            f"{job.clip.path}: {job.codec} gave back {'fewer' if shown is None else 'more'} frames than it got"
        )
    a, b = (torch.from_numpy(picture.planes[0])[None, None].float() for picture in (source, shown))
    errors: dict[FrameFormat, float] = {
        "rgb": mse(source.rgb, shown.rgb),
        "yuv420": frame_mse(source.planes, shown.planes),
    }
    planes = (
        psnr_db(ours, theirs) for ours, theirs in zip(source.planes, shown.planes, strict=True)
    )
    return Compared(tuple(planes), errors, ms_ssim(a, b, data_range=255).item())


def _mean_psnr_db(compared: Sequence[Compared], frame_format: FrameFormat) -> float:
    """Summed as `encode` sums, to the same last bit."""
    errors = [each.errors[frame_format] for each in compared]
    return mse_to_psnr_db(reduce(add, errors) / len(errors))


def _of_planes(compared: Sequence[Compared]) -> tuple[float, float, float]:
    """Of Y, U and V, the means over the frames."""
    luma, u, v = (
        round(fmean(values), 4)
        for values in zip(*(each.psnr_planes_db for each in compared), strict=True)
    )
    return luma, u, v


def encode_ours(job: Measurement, folder: Path) -> Coded:
    """The whole .ssf file counts; it is made of the pictures alone, so that it holds no sound and
    no tags of the source."""
    path = folder / "clip.ssf"
    options = streamcodec.EncodeOptions(**{"quality": job.setting, "gop": job.gop, **job.options})
    codec = streamcodec.load_codec(
        options.intra,
        options.inter,
        device=options.device,
        precision=options.precision,
        preset=options.preset,
    )
    with reader(job, codec.frame_format) as source:
        pictures = (frame.planes for frame in source)
        report = streamcodec.encode(
            pictures,
            path,
            options=options,
            codec=codec,
            frame_rate=source.format.frame_rate,
            psnr=True,
        )
        color = source.format.color
    decoder = Timed(
        streamcodec.open(
            path, device=options.device, intra=_file(options.intra), inter=_file(options.inter)
        )
    )
    decoded = (RawFrame(frame.planes, pts=0) for frame in decoder)
    shown = (Picture(yuv420_of(frame, color), rgb_of(frame, color)) for frame in decoded)
    return Coded(
        report.size_bytes, report.seconds, decoder, shown, report.psnr_db, codec.frame_format
    )


def _file(model: str) -> str | None:
    """What `open` takes beside the installed models."""
    return model if model.endswith(".safetensors") else None


def encode_anchor(job: Measurement, folder: Path) -> Coded:
    """An anchor through PyAV; the packets of the video count, not the container around them."""
    path, anchor = folder / "clip.mp4", anchor_named(job.codec)
    os.environ.setdefault("SVT_LOG", "1")  # errors only: SVT-AV1 writes to the terminal by itself
    with reader(job, "yuv420") as source:
        frames = list(source)
        video = source.format
    started = time.perf_counter()
    options = anchor.options(job.gop)
    with VideoWriter(
        path, video, frame_format="yuv420", codec=anchor.encoder, crf=job.setting, options=options
    ) as writer:
        for frame in frames:
            writer.write(frame)
    seconds = time.perf_counter() - started
    with av.open(str(path)) as container:
        size_bytes = sum(packet.size for packet in container.demux(video=0))
    decoder = Timed(VideoReader(path, frame_format="yuv420", threads=THREADS))
    shown = (Picture(frame.planes, rgb_of(frame, video.color)) for frame in decoder)
    return Coded(size_bytes, seconds, decoder, shown)
