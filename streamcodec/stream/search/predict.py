"""Predicts size, PSNR and time of a whole video at a quality, by coding a sample of it."""

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace

import numpy as np

from streamcodec.codec import Codec, quality_of
from streamcodec.container import Writer
from streamcodec.metrics import mse_to_psnr_db
from streamcodec.rates import bits_per_pixel, kbit_per_second
from streamcodec.stream.coding import coded
from streamcodec.stream.control.offsets import REFRESH_FRAMES
from streamcodec.stream.control.rate import P_FRAME_DOUBLINGS
from streamcodec.stream.encoder import Encoder
from streamcodec.stream.options import EncodeOptions
from streamcodec.stream.search.sample import LONG_PIECE_FRAMES, PIECE_FRAMES, Sample
from streamcodec.types import QUALITIES, RawFrame

__all__ = ["Prediction", "predict"]

KEY, EARLY, LATE = range(1), range(1, PIECE_FRAMES), range(PIECE_FRAMES, LONG_PIECE_FRAMES)
"""Places in a GOP: of the I-frame, of the frames behind it in every piece, and of those in the long pieces only."""
USUAL_GROWTH = 1.1  # of sizes and errors, from the early frames to the late ones; it counts as one long piece more


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
    """Of one frame, or means over some: bytes in the stream, mean squared error, seconds to encode; and its quality."""

    size_bytes: float
    error: float
    seconds: float
    quality: float


@dataclass(frozen=True)
class _CodedPiece:
    """`costs`: one per frame; `places`: its number in its GOP; `anchors`: whether it is no B-frame; `frame_less_bytes`: header, index and
    end of a stream."""

    costs: tuple[_Costs, ...]
    places: tuple[int, ...]
    anchors: tuple[bool, ...]
    frame_less_bytes: int

    def at(self, places: range, *, anchors: bool = False) -> list[_Costs]:
        """Of the frames at these places of their GOPs, or of the `anchors` among them."""
        frames = zip(self.places, self.anchors, self.costs, strict=True)
        return [
            cost for place, is_anchor, cost in frames if place in places and is_anchor >= anchors
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
    pieces = [
        _code_piece(sample, piece, options.at_quality(quality), codec, progress)
        for piece in sample.pieces
    ]
    mean = (
        _mean([cost for piece in pieces for cost in piece.costs])
        if sample.is_whole
        else _mean_of_video(
            pieces,
            options.gop,
            sample.frames,
            min(quality + options.refresh_offset, QUALITIES - 1),
        )
    )
    size_bytes = round(mean.size_bytes * sample.frames) + pieces[0].frame_less_bytes
    return Prediction(
        quality=quality,
        frames=sample.frames,
        size_bytes=size_bytes,
        bpp=bits_per_pixel(size_bytes, sample.frames, sample.video.width, sample.video.height),
        kbit_per_second=kbit_per_second(size_bytes, sample.duration_seconds),
        psnr_db=mse_to_psnr_db(mean.error),
        seconds=mean.seconds * sample.frames,
    )


def _code_piece(
    sample: Sample,
    piece: Sequence[RawFrame],
    options: EncodeOptions,
    codec: Codec,
    progress: Callable[[], None],
) -> _CodedPiece:
    encoder = Encoder(sample.video, options, codec=codec, metadata=sample.metadata)
    writer = Writer(_Sink(), encoder.header)
    frame_less = writer.size_bytes
    costs: list[_Costs] = []
    places: list[int] = []
    anchors: list[bool] = []
    for step in coded(encoder, piece, measure=True):
        before = writer.size_bytes
        for packet in step.packets:
            writer.write(packet)
        added = writer.size_bytes - before
        if step.frame is None:  # what closes a GOP is paid by an I-frame
            costs[0] = replace(costs[0], size_bytes=costs[0].size_bytes + added)
            break
        packet = step.packets[-1]
        quality = quality_of(packet.payload)
        costs.append(_Costs(added, step.error or 0.0, step.seconds, quality))
        places.append(0 if packet.key else places[-1] + 1)
        anchors.append(not packet.b_frame)
        progress()
    before = writer.size_bytes
    writer.finish()
    frame_less += writer.size_bytes - before
    return _CodedPiece(tuple(costs), tuple(places), tuple(anchors), frame_less)


def _mean_of_video(
    pieces: Sequence[_CodedPiece], gop: int, frames: int, refresh_quality: int
) -> _Costs:
    """The mean over `frames` in GOPs of usual length, and a shorter one at the end; scene cuts end GOPs early, as often as they did in the
    pieces.

    Behind the first few P- and B-frames sizes and errors grow as they did in the long pieces, then no more. The P-frames of
    `refresh_quality`, which no piece reaches, are as much larger as is usual; what others gain by them is left out.
    """
    key = _mean([cost for piece in pieces for cost in piece.at(KEY)])
    early = _mean([cost for piece in pieces for cost in piece.at(EARLY)] or [key])
    p_frame = _mean([cost for piece in pieces for cost in piece.at(EARLY, anchors=True)] or [key])
    late = _late(pieces, early)
    lasting = _share_continued(pieces)
    growth = 2 ** (P_FRAME_DOUBLINGS * (refresh_quality - p_frame.quality))
    better = replace(late, size_bytes=p_frame.size_bytes * growth)
    longest = min(gop, frames)
    refreshed = range(REFRESH_FRAMES, longest, REFRESH_FRAMES)
    rest = [place for place in range(PIECE_FRAMES, longest) if place not in refreshed]
    places = (KEY, range(1, min(PIECE_FRAMES, longest)), rest, refreshed)
    weights = [
        sum(lasting**place * len(range(place, frames, gop)) for place in group) for group in places
    ]
    return _mean((key, early, late, better), weights)


def _share_continued(pieces: Sequence[_CodedPiece]) -> float:
    """How probably no scene cut lies between a frame and the next."""
    following = [place for piece in pieces for place in piece.places[1:]]
    return 1 - following.count(0) / len(following) if following else 1.0


def _late(pieces: Sequence[_CodedPiece], early: _Costs) -> _Costs:
    """Of frames further on in a GOP than `early` ones."""
    both = [(piece.at(EARLY), piece.at(LATE)) for piece in pieces]
    seen = [(_mean(before), _mean(behind)) for before, behind in both if before and behind]
    sizes = [(before.size_bytes, behind.size_bytes) for before, behind in seen]
    errors = [(before.error, behind.error) for before, behind in seen]
    return replace(
        early,
        size_bytes=early.size_bytes * _growth(sizes, early.size_bytes),
        error=early.error * _growth(errors, early.error),
    )


def _growth(seen: Sequence[tuple[float, float]], usual: float) -> float:
    """Of a cost, from early frames to late ones: seen in long pieces, and in one more, of `usual` cost and growth."""
    before, behind = map(sum, zip(*seen, (usual, USUAL_GROWTH * usual), strict=True))
    return behind / before if before else 1.0


def _mean(costs: Sequence[_Costs], weights: Sequence[float] | None = None) -> _Costs:
    columns = zip(*map(astuple, costs), strict=True)
    return _Costs(*(float(np.average(column, weights=weights)) for column in columns))
