"""How much better or worse than others some frames are coded, in steps of quality. Measured: docs/quality.md."""

from dataclasses import dataclass

__all__ = [
    "INTRA_OFFSET",
    "REFRESH_FRAMES",
    "REFRESH_OFFSET",
    "RUN_OFFSETS",
    "SHORT_GOP",
    "SHORT_INTRA_OFFSET",
    "PlaceInGop",
    "key_offset",
]

SHORT_GOP = 16
INTRA_OFFSET, SHORT_INTRA_OFFSET = 16, 8
"""Added to the quality of I-frames in long GOPs, and in those of up to SHORT_GOP frames, where fewer frames gain by it."""

REFRESH_FRAMES, REFRESH_OFFSET = 32, 12
"""In GOPs that are longer, every so many frames a P-frame is coded that much better: what stands still gains by it as by an I-frame, and
what P-frames leave behind does not pile up."""

RUN_OFFSETS = ((0,), (2, -5), (4, -2, -6), (4, -2, -5, -8))
"""Added to the quality of the P-frame behind a run of B-frames and of those, by the levels in the run and the frame's own (0 = the
P-frame's): what many others are predicted from gains more."""


@dataclass(frozen=True)
class PlaceInGop:
    """Where a frame lies: `number` in its GOP, from 0 (the I-frame); `level` in its run of B-frames, 0 = the anchor behind them.

    `run`: how many B-frames there are in the run.
    """

    number: int
    run: int = 0
    level: int = 0

    @property
    def offset(self) -> int:
        """What is added to the quality for the run's sake."""
        return RUN_OFFSETS[self.run.bit_length()][self.level]

    @property
    def is_refresh(self) -> bool:
        """Whether this is the P-frame at, or first behind, every 32nd frame of the GOP."""
        before = self.number - self.run - 1  # the anchor before
        crossed = before // REFRESH_FRAMES < self.number // REFRESH_FRAMES
        return self.level == 0 and before >= 0 and crossed


def key_offset(gop: int, wanted: int | None) -> int:
    """What is added to the quality of the I-frames of GOPs of at most `gop` frames; `wanted` None = the usual."""
    if gop == 1:
        return 0
    if wanted is not None:
        return wanted
    return SHORT_INTRA_OFFSET if gop <= SHORT_GOP else INTRA_OFFSET
