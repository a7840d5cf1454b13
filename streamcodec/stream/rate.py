"""Who chooses the quality of each frame: a controller, asked before the frame is coded and told afterwards what came of it."""

from dataclasses import dataclass
from typing import Protocol

from streamcodec.checks import check_quality
from streamcodec.codec import CodedFrame
from streamcodec.stream.feedback import Feedback
from streamcodec.stream.options import EncodeOptions
from streamcodec.types import RawFrame, VideoFormat

__all__ = ["ConstantQuality", "RateController", "controller_of"]


class RateController(Protocol):
    """Asked and told in turn, once for each frame, in order of display."""

    @property
    def start(self) -> int:
        """The quality of the first frame, which the stream's header tells."""
        ...

    def quality_for(self, frame: RawFrame, frame_in_gop: int) -> int:
        """The quality, 0..63, at which to code `frame`; `frame_in_gop` 0 is the I-frame."""
        ...

    def add(self, frame: RawFrame, coded: CodedFrame) -> None:
        """Learn what the frame became: its bytes and its decoded pixels."""
        ...


@dataclass(frozen=True)
class ConstantQuality:
    """The same quality, 0..63, for every frame."""

    quality: int

    def __post_init__(self) -> None:
        check_quality(self.quality)

    @property
    def start(self) -> int:
        return self.quality

    def quality_for(self, _frame: RawFrame, _frame_in_gop: int) -> int:
        return self.quality

    def add(self, frame: RawFrame, coded: CodedFrame) -> None:
        """Nothing to learn."""


def controller_of(options: EncodeOptions, video: VideoFormat) -> RateController:
    """The controller that the options ask for: one that adapts if they have a target."""
    return (
        ConstantQuality(options.quality)
        if options.target is None
        else Feedback(video, options.gop, options.target)
    )
