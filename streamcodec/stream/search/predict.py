"""Predicts size, PSNR and time of a whole video at a quality, by coding a sample of it."""

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace

import numpy as np

from streamcodec.codec import Codec
from streamcodec.container import Writer
from streamcodec.metrics import mse_to_psnr_db
from streamcodec.rates import bits_per_pixel, kbit_per_second
from streamcodec.stream.coding import coded
from streamcodec.stream.control.rate import P_FRAME_DOUBLINGS
from streamcodec.stream.encoder import Encoder
from streamcodec.stream.options import REFRESH_FRAMES, EncodeOptions
from streamcodec.stream.search.sample import LONG_RUN_FRAMES, RUN_FRAMES, Sample
from streamcodec.types import QUALITIES, RawFrame

__all__ = ["Prediction", "predict"]

KEY, EARLY, LATE = range(1), range(1, RUN_FRAMES), range(RUN_FRAMES, LONG_RUN_FRAMES)
"""Places in a GOP: of the I-frame, of the P-frames in every run, and of those in the long runs only."""


@dataclass(frozen=True)
class Prediction:
    """Of a whole stream at `quality`. `psnr_db`: as in EncodeReport. `seconds`: to encode it here."""

    quality: int
    frames: int
    size_bytes: int
    bpp: float
    kbit_per_second: float
    psnr_db: float
    seconds: float


@dataclass(frozen=True)
class _Costs:
    """Of one frame, or means over some: bytes in the stream, mean squared error, seconds to encode."""

    size_bytes: float
    error: float
    seconds: float


@dataclass(frozen=True)
class _CodedRun:
    """`costs`: one per frame; `places`: its number in its GOP; `frame_less_bytes`: header, index and end of a stream."""

    costs: tuple[_Costs, ...]
    places: tuple[int, ...]
    frame_less_bytes: int

    def at(self, places: range) -> list[_Costs]:
        """Of the frames at these places of their GOPs."""
        return [
            cost for place, cost in zip(self.places, self.costs, strict=True) if place in places
        ]


class _Sink:
    """A file that keeps nothing."""

    def write(self, data: memoryview, /) -> int:
        return len(data)

    def flush(self) -> None: ...


def predict(
    sample: Sample, options: EncodeOptions, quality: int, codec: Codec, progress: Callable[[], None]
) -> Prediction:
    """Code the sample at this quality; `progress` is called after every frame. A sample that is the whole video gives exact figures."""
    runs = [
        _code_run(sample, run, options.at_quality(quality), codec, progress) for run in sample.runs
    ]
    mean = (
        _mean([cost for run in runs for cost in run.costs])
        if sample.is_whole
        else _mean_of_video(
            runs,
            min(options.gop, sample.frames),
            min(options.refresh_offset, QUALITIES - 1 - quality),
        )
    )
    size_bytes = round(mean.size_bytes * sample.frames) + runs[0].frame_less_bytes
    return Prediction(
        quality=quality,
        frames=sample.frames,
        size_bytes=size_bytes,
        bpp=bits_per_pixel(size_bytes, sample.frames, sample.video.width, sample.video.height),
        kbit_per_second=kbit_per_second(size_bytes, sample.duration_seconds),
        psnr_db=mse_to_psnr_db(mean.error),
        seconds=mean.seconds * sample.frames,
    )


def _code_run(
    sample: Sample,
    run: Sequence[RawFrame],
    options: EncodeOptions,
    codec: Codec,
    progress: Callable[[], None],
) -> _CodedRun:
    encoder = Encoder(sample.video, options, codec=codec, metadata=sample.metadata)
    writer = Writer(_Sink(), encoder.header)
    frame_less = writer.size_bytes
    costs: list[_Costs] = []
    places: list[int] = []
    for step in coded(encoder, run, measure=True):
        before = writer.size_bytes
        for packet in step.packets:
            writer.write(packet)
        added = writer.size_bytes - before
        if step.frame is None:  # what closes a GOP is paid by an I-frame
            costs[0] = replace(costs[0], size_bytes=costs[0].size_bytes + added)
            break
        costs.append(_Costs(added, step.error or 0.0, step.seconds))
        places.append(0 if step.packets[-1].key else places[-1] + 1)
        progress()
    before = writer.size_bytes
    writer.finish()
    return _CodedRun(tuple(costs), tuple(places), frame_less + writer.size_bytes - before)


def _mean_of_video(runs: Sequence[_CodedRun], gop: int, refresh_offset: int) -> _Costs:
    """The mean over a GOP of usual length; scene cuts end GOPs early, as often as they did in the runs.

    P-frames that follow the first few are as large as those, and their errors grow as they did in the long runs. Those that are
    `refresh_offset` qualities better, which no run reaches, are as much larger as is usual; what others gain by them is left out.
    """
    key = _mean([cost for run in runs for cost in run.at(KEY)])
    p_frames = [cost for run in runs for cost in run.at(EARLY)]
    early = _mean(p_frames) if p_frames else key
    late = replace(early, error=early.error * _growth(runs))
    lasting = _share_continued(runs)
    better = replace(late, size_bytes=late.size_bytes * 2 ** (P_FRAME_DOUBLINGS * refresh_offset))
    refreshed = range(REFRESH_FRAMES, gop, REFRESH_FRAMES)
    rest = [place for place in range(RUN_FRAMES, gop) if place not in refreshed]
    places = (KEY, range(1, min(RUN_FRAMES, gop)), rest, refreshed)
    weights = [sum(lasting**place for place in group) for group in places]
    return _mean((key, early, late, better), weights)


def _share_continued(runs: Sequence[_CodedRun]) -> float:
    """How probably no scene cut lies between a frame and the next."""
    following = [place for run in runs for place in run.places[1:]]
    return 1 - following.count(0) / len(following) if following else 1.0


def _growth(runs: Sequence[_CodedRun]) -> float:
    """Errors of late P-frames over those of early ones: the median of the long runs, since in some of them the scene changes."""
    both = [(run.at(EARLY), run.at(LATE)) for run in runs]
    errors = [(_mean(early).error, _mean(late).error) for early, late in both if early and late]
    return (
        float(np.median([late / early if early else 1.0 for early, late in errors]))
        if errors
        else 1.0
    )


def _mean(costs: Sequence[_Costs], weights: Sequence[float] | None = None) -> _Costs:
    sizes, errors, seconds = (
        np.average(column, weights=weights) for column in zip(*map(astuple, costs), strict=True)
    )
    return _Costs(float(sizes), float(errors), float(seconds))
