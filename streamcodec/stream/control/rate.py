"""RateController: chooses the quality of a frame, then is told its coded size and error.

`Feedback` is one-pass rate control: each frame's quality follows from the cost of the frames coded before it.
A frame's cost is its bits, or its mean squared error for a target PSNR. Each frame is allowed a cost; what is spent above the sum of the
allowances is a debt, as in a leaky bucket. The cost of I- and of P-frames at every quality is estimated by a straight line in log2(cost),
whose slope is what is usual and whose height is learnt. Before each frame the next frames, a GOP or more of them, are laid out at one
quality: the best one whose cost pays off the debt. The quality of B-frames follows from that of the P-frame behind them, which is coded
before them; together they count as so many P-frames of their mean cost.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from statistics import fmean
from typing import Protocol

from streamcodec.checks import check_quality
from streamcodec.codec import CodedFrame
from streamcodec.metrics import frame_mse
from streamcodec.stream.control.offsets import PlaceInGop
from streamcodec.stream.control.target import Target
from streamcodec.stream.options import EncodeOptions
from streamcodec.types import QUALITIES, RawFrame, VideoFormat

__all__ = ["ConstantQuality", "Feedback", "RateController", "controller_of"]

HORIZON = 64  # frames that are laid out, as near to it as whole GOPs come
MAX_STEP = 3  # of quality, from one P-frame to the next, so that pictures do not pump
MAX_STEP_OF_RUN = 6  # across B-frames
MAX_CORRECTION = 2.0  # of the allowance, up or down, to pay off a debt
MAX_CREDIT, MAX_DEBT = 1.0, 4.0  # allowances of the horizon; what is above is forgotten
LEARNING = {True: 0.7, False: 0.3}  # weight of the newest I-frame, P-frame
P_FRAME_DOUBLINGS = 0.107  # of its bits, by a quality
PACKET_BITS = 8 * 30  # around a frame's payload
USUAL_FRAME_SECONDS = 1 / 30
START = range(16, 49)  # the cost of a picture is unknown before the first one
MIN_COST = 1e-3
PEAK = 255


class RateController(Protocol):
    """For each frame, in the order in which they are coded: `quality_for` before, `add` afterwards."""

    @property
    def start(self) -> int:
        """The quality of the first frame, which the stream's header tells."""
        ...

    def quality_for(self, frame: RawFrame, place: PlaceInGop) -> int:
        """The quality, 0..63, at which to code `frame`."""
        ...

    def add(self, frame: RawFrame, coded: CodedFrame) -> None:
        """Take in the coded frame: its bytes and its decoded pixels."""
        ...


@dataclass(frozen=True)
class ConstantQuality:
    """The same quality, 0..63, for every frame, but for the offsets of runs of B-frames; `refresh` more for the P-frame at, or first
    behind, every 32nd frame of a GOP.
    """

    quality: int
    refresh: int = 0

    def __post_init__(self) -> None:
        check_quality(self.quality)

    @property
    def start(self) -> int:
        return self.quality

    def quality_for(self, _frame: RawFrame, place: PlaceInGop) -> int:
        offset = max(place.offset, self.refresh) if place.is_refresh else place.offset
        return _clipped(self.quality + offset)

    def add(self, frame: RawFrame, coded: CodedFrame) -> None:
        """Nothing to learn."""


@dataclass
class _Line:
    """log2(cost) = `height` + `slope` * quality."""

    height: float
    slope: float

    def cost(self, quality: int) -> float:
        return math.exp2(self.height + self.slope * quality)

    def error(self, quality: int, cost: float) -> float:
        """How far above the line a frame's cost lies, log2."""
        return math.log2(max(cost, MIN_COST)) - self.height - self.slope * quality


class Feedback:
    """A RateController for a stream of this video in GOPs of at most `gop` frames."""

    def __init__(self, video: VideoFormat, gop: int, target: Target) -> None:
        self._video, self._gop, self._target = video, gop, target
        pixels = video.width * video.height
        # Means of nine clips coded by the default models (docs/rate-control.md). Qualities are those before any offset.
        if target.is_floor:
            self._lines = {True: _Line(4.4, -0.106), False: _Line(5.3, -0.097)}
        else:
            height = math.log2(pixels)
            self._lines = {
                True: _Line(height - 1.1, 0.048),
                False: _Line(height - 6.75, P_FRAME_DOUBLINGS),
            }
        self._met_p_frame = False
        self._debt = 0.0
        self._last_pts: int | None = None
        self._usual = self._allowed(
            float(1 / video.frame_rate) if video.frame_rate else USUAL_FRAME_SECONDS
        )
        self._allowance = self._usual
        self.start = self._last = min(max(self._choose(0), START[0]), START[-1])
        self._is_key = True
        self._costs: list[float] = []  # of the last anchor and the B-frames in front of it

    def quality_for(self, frame: RawFrame, place: PlaceInGop) -> int:
        if place.level:
            return _clipped(self._last + place.offset)
        is_first = self._last_pts is None
        self._learn()
        self._earn(frame.pts, place.run + 1)
        quality = self.start if is_first else self._choose(place.number - place.run)
        if place.number:
            step = MAX_STEP_OF_RUN if place.run else MAX_STEP
            quality = min(max(quality, self._last - step), self._last + step)
        self._is_key, self._last = place.number == 0, quality
        return _clipped(quality + place.offset)

    def add(self, frame: RawFrame, coded: CodedFrame) -> None:
        cost = self._cost(frame, coded)
        self._costs.append(cost)
        horizon = self._usual * sum(self._layout(0))
        self._debt = min(
            max(self._debt + cost - self._allowance, -MAX_CREDIT * horizon), MAX_DEBT * horizon
        )

    def _earn(self, pts: int, frames: int) -> None:
        """Take in what may be spent for each of the `frames` since the last anchor."""
        if self._last_pts is not None:
            ticks = Fraction(pts - self._last_pts, frames)
            self._allowance = self._allowed(float(ticks * self._video.time_base))
            self._usual += (min(self._allowance, 2 * self._usual) - self._usual) / 8
        self._last_pts = pts

    def _allowed(self, seconds: float) -> float:
        """What a frame `seconds` after the last may cost."""
        if self._target.measure == "psnr_db":
            return PEAK**2 / math.pow(10, self._target.value / 10)
        if self._target.measure == "bpp":
            return self._target.value * self._video.width * self._video.height
        return 1000 * self._target.value * seconds

    def _cost(self, frame: RawFrame, coded: CodedFrame) -> float:
        if self._target.measure == "psnr_db":
            return frame_mse(frame.planes, coded.planes)
        return 8 * len(coded.payload) + PACKET_BITS

    def _learn(self) -> None:
        """Take in what the last anchor and the B-frames in front of it cost."""
        if not self._costs:
            return
        error = self._lines[self._is_key].error(self._last, fmean(self._costs))
        weight = 1 - (1 - LEARNING[self._is_key]) ** len(self._costs)
        self._lines[self._is_key].height += weight * error
        self._costs.clear()
        if (
            self._is_key and not self._met_p_frame
        ):  # if the first I-frame is costly, so will the P-frames be
            self._lines[True].height += (1 - LEARNING[True]) * error
            self._lines[False].height += error
        self._met_p_frame |= not self._is_key

    def _choose(self, frame_in_gop: int) -> int:
        keys, others = self._layout(frame_in_gop)
        usual = self._usual * (keys + others)
        allowed = min(max(usual - self._debt, usual / MAX_CORRECTION), usual * MAX_CORRECTION)
        affordable = [
            q
            for q in range(QUALITIES)
            if keys * self._lines[True].cost(q) + others * self._lines[False].cost(q) <= allowed
        ]
        if not affordable:
            return self._target.limit
        return affordable[0] if self._target.is_floor else affordable[-1]

    def _layout(self, frame_in_gop: int) -> tuple[int, int]:
        """I-frames and P-frames among the next ones, as many whole GOPs as come near the horizon, or less than one of a long GOP."""
        frames = max(round(HORIZON / self._gop), 1) * self._gop if self._gop <= HORIZON else HORIZON
        keys = len(range(-frame_in_gop % self._gop, frames, self._gop))
        return keys, frames - keys


def _clipped(quality: int) -> int:
    return min(max(quality, 0), QUALITIES - 1)


def controller_of(options: EncodeOptions, video: VideoFormat) -> RateController:
    """The controller that the options ask for: one that adapts if they have a target."""
    return (
        ConstantQuality(options.quality, options.refresh_offset)
        if options.target is None
        else Feedback(video, options.gop, options.target)
    )
