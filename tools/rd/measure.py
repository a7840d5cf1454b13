"""Encode a clip, decode it, and compare: one row."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

import av
import cv2
import numpy as np
import torch
from numpy.typing import NDArray

import streamcodec
from rd.rows import OURS, Job, Row
from streamcodec.errors import SourceError, UsageError
from streamcodec.metrics import ms_ssim, mse, mse_to_psnr_db, psnr_yuv_db
from streamcodec.types import FrameFormat, RawFrame
from streamcodec.video import VideoReader, VideoWriter, to_yuv420

PRESET = "medium"
THREADS = 1
"""Of every codec. More would cost x264 bits, since it then slices frames or limits motion, and speeds would be another machine's."""

Planes = tuple[NDArray[np.uint8], ...]


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
    """A coded clip: its size, and how it decodes. `decoder` is timed; `planes` draws on it and gives Y, U, V."""

    size_bytes: int
    encode_seconds: float
    decoder: Timed
    planes: Iterator[Planes]


def measure(job: Job) -> Row:
    """Raises a StreamCodecError if the clip cannot be read, is too small for MS-SSIM, or does not come back as it was encoded."""
    torch.set_num_threads(THREADS)
    cv2.setNumThreads(THREADS)
    with TemporaryDirectory() as folder:
        coded = encode_ours(job, Path(folder)) if job.codec == OURS else encode_anchor(job, Path(folder))
        with reader(job, "yuv420") as source:
            pairs = [_compare(frame, shown, job) for frame, shown in zip_longest(source, coded.planes)]
    psnr, similarity = zip(*pairs, strict=True)
    return Row(
        clip=job.clip.path.stem, clip_sha256=job.clip_sha256, codec=job.codec, setting=job.setting, gop=job.gop, version=job.version,
        options=job.options, max_frames=job.max_frames,
        width=source.format.width, height=source.format.height, size_bytes=coded.size_bytes,
        psnr_yuv_db=tuple(round(value, 4) for value in psnr), ms_ssim=fmean(similarity),
        encode_fps=len(psnr) / coded.encode_seconds, decode_fps=len(psnr) / coded.decoder.seconds,
    )  # fmt: skip


def reader(job: Job, frame_format: FrameFormat) -> VideoReader:
    return VideoReader(job.clip.path, frame_format=frame_format, max_frames=job.max_frames)


def _compare(source: RawFrame | None, shown: Planes | None, job: Job) -> tuple[float, float]:
    """(PSNR of YUV in dB, MS-SSIM of luma)."""
    if source is None or shown is None:
        raise SourceError(f"{job.clip.path}: {job.codec} gave back {'fewer' if shown is None else 'more'} frames than it got")
    luma = (torch.from_numpy(planes[0])[None, None].float() for planes in (source.planes, shown))
    return psnr_yuv_db(source.planes, shown), ms_ssim(*luma, data_range=255).item()


def encode_ours(job: Job, folder: Path) -> Coded:
    """The whole .ssf file counts; it is made of the pictures alone, so that it holds no sound and no tags of the source."""
    path = folder / "clip.ssf"
    options = streamcodec.EncodeOptions(quality=job.setting, gop=job.gop, **job.options)
    streamcodec.load_codec(options.intra, options.inter, device=options.device)  # which is kept: the time is that of coding
    with reader(job, "rgb") as source:
        pictures = (frame.planes[0] for frame in source)
        report = streamcodec.encode(pictures, path, options=options, frame_rate=source.format.frame_rate, psnr=True)
        color = source.format.color
    decoder = Timed(streamcodec.open(path, device=options.device, intra=_file(options.intra), inter=_file(options.inter)))
    decoded = (frame.data.cpu().numpy() for frame in decoder)
    return Coded(report.size_bytes, report.seconds, decoder, (to_yuv420(rgb, color) for rgb in _checked(decoded, job, report)))


def _file(model: str) -> str | None:
    """What `open` takes beside the models at hand."""
    return model if model.endswith(".safetensors") else None


def _checked(decoded: Iterator[NDArray[np.uint8]], job: Job, report: streamcodec.EncodeReport) -> Iterator[NDArray[np.uint8]]:
    """Pass pictures on; at the end raise SourceError if they are not, to the last bit of their PSNR, what the encoder reconstructed."""
    errors = []
    with reader(job, "rgb") as source:
        for frame, shown in zip(source, decoded, strict=False):
            errors.append(mse(frame.planes[0], shown))
            yield shown
    psnr_db = mse_to_psnr_db(float(np.mean(errors)))
    if psnr_db != report.psnr_db:
        raise SourceError(f"{job.clip.path} at quality {job.setting} decodes to {psnr_db} dB; the encoder had {report.psnr_db} dB")


def encode_anchor(job: Job, folder: Path) -> Coded:
    """x264 or x265 through PyAV, constant rate factor; the packets of the video count, not the container around them."""
    path = folder / "clip.mp4"
    library = job.codec.split()[0]
    with reader(job, "yuv420") as source:
        frames = list(source)
        video = source.format
    started = time.perf_counter()
    with VideoWriter(path, video, frame_format="yuv420", codec=f"lib{library}", crf=job.setting, options=anchor_options(job)) as writer:
        for frame in frames:
            writer.write(frame)
    seconds = time.perf_counter() - started
    with av.open(str(path)) as container:
        size_bytes = sum(packet.size for packet in container.demux(video=0))
    decoder = Timed(VideoReader(path, frame_format="yuv420", threads=THREADS))
    return Coded(size_bytes, seconds, decoder, (frame.planes for frame in decoder))


def anchor_options(job: Job) -> dict[str, str]:
    """As FFmpeg names them; "x264 zerolatency" is x264 with that tune. One closed GOP length for all, no scene cuts."""
    library, *tune = job.codec.split()
    if library not in ("x264", "x265") or tune not in ([], ["zerolatency"]):
        raise UsageError(f"codec is {job.codec!r}; accepted: x264, x265, with or without zerolatency")
    threads = f"threads={THREADS}" if library == "x264" else f"pools={THREADS}:frame-threads={THREADS}"
    parameters = f"keyint={job.gop}:min-keyint={job.gop}:scenecut=0:{threads}"
    return {"preset": PRESET, f"{library}-params": parameters, **({"tune": tune[0]} if tune else {})}
