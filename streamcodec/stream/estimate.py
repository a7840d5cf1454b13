"""What a whole video would become at a quality, from coding a sample of it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace

import numpy as np

from streamcodec.codec import Codec
from streamcodec.container import Packet, Writer
from streamcodec.metrics import mse, mse_to_psnr_db
from streamcodec.stream.encoder import Encoder
from streamcodec.stream.options import EncodeOptions
from streamcodec.stream.sample import RUN_FRAMES, Sample
from streamcodec.types import RawFrame

__all__ = ["Prediction", "predict"]

SETTLED = RUN_FRAMES // 2  # from this frame of a GOP on, size and error are taken to stay as they are


@dataclass(frozen=True)
class Prediction:
    """Of a whole stream at `quality`. `psnr_db`: of RGB, from the mean squared error of all frames. `seconds`: to encode it here."""

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


class _Sink:
    """A file that keeps nothing."""

    def write(self, data: memoryview, /) -> int:
        return len(data)

    def flush(self) -> None: ...


def predict(sample: Sample, options: EncodeOptions, quality: int, codec: Codec, progress: Callable[[], None]) -> Prediction:
    """Code the sample at this quality; `progress` is called after every frame. A sample that is the whole video gives exact figures."""
    runs = [_code_run(sample, run, options.at_quality(quality), codec, progress) for run in sample.runs]
    mean = _mean([cost for run in runs for cost in run.costs]) if sample.is_whole else _mean_of_video(runs, options.gop)
    size_bytes = round(mean.size_bytes * sample.frames) + runs[0].frame_less_bytes
    seconds = sample.duration_seconds
    return Prediction(
        quality=quality,
        frames=sample.frames,
        size_bytes=size_bytes,
        bpp=8 * size_bytes / (sample.frames * sample.video.width * sample.video.height),
        kbit_per_second=8e-3 * size_bytes / seconds if seconds else 0.0,
        psnr_db=mse_to_psnr_db(mean.error),
        seconds=mean.seconds * sample.frames,
    )


def _code_run(sample: Sample, run: Sequence[RawFrame], options: EncodeOptions, codec: Codec, progress: Callable[[], None]) -> _CodedRun:
    encoder = Encoder(sample.video, options, codec=codec, metadata=sample.metadata)
    writer = Writer(_Sink(), encoder.header)
    frame_less = writer.size_bytes
    costs: list[_Costs] = []
    places: list[int] = []
    for frame in run:
        started, before = time.monotonic(), writer.size_bytes
        packets = encoder.push(frame)
        _write(writer, packets)
        error = mse(frame.planes[0], encoder.reconstruction.numpy())
        costs.append(_Costs(writer.size_bytes - before, error, time.monotonic() - started))
        places.append(0 if packets[-1].key else places[-1] + 1)
        progress()
    coded = writer.size_bytes
    _write(writer, encoder.flush())
    costs[0] = replace(costs[0], size_bytes=costs[0].size_bytes + writer.size_bytes - coded)  # what closes a GOP is paid by an I-frame
    coded = writer.size_bytes
    writer.finish()
    return _CodedRun(tuple(costs), tuple(places), frame_less + writer.size_bytes - coded)


def _write(writer: Writer, packets: Sequence[Packet]) -> None:
    for packet in packets:
        writer.write(packet)


def _mean_of_video(runs: Sequence[_CodedRun], gop: int) -> _Costs:
    """The mean over a GOP of usual length: I-frame, first P-frames, and the others, each by how often they come.

    Scene cuts end GOPs early: as often as they did in the runs.
    """
    coded = [(place, cost) for run in runs for place, cost in zip(run.places, run.costs, strict=True)]
    continued = sum(len(run.places) - 1 for run in runs)
    cuts = sum(run.places[1:].count(0) for run in runs)
    lasting = 1 - cuts / continued if continued else 1.0
    classes = (range(1), range(1, min(SETTLED, gop)), range(SETTLED, gop))
    weighted: list[tuple[float, _Costs]] = []
    for places in classes:
        costs = [cost for place, cost in coded if place in places]
        mean = _mean(costs) if costs else weighted[-1][1]
        weighted.append((sum(lasting**place for place in places), mean))
    return _mean([mean for _, mean in weighted], [weight for weight, _ in weighted])


def _mean(costs: Sequence[_Costs], weights: Sequence[float] | None = None) -> _Costs:
    sizes, errors, seconds = (np.average(column, weights=weights) for column in zip(*map(astuple, costs), strict=True))
    return _Costs(float(sizes), float(errors), float(seconds))
