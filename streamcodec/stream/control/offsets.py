"""How much better or worse than others some frames are coded, in steps of quality. Measured: docs/quality.md."""

__all__ = [
    "INTRA_OFFSET",
    "REFRESH_FRAMES",
    "REFRESH_OFFSET",
    "RUN_OFFSETS",
    "SHORT_GOP",
    "SHORT_INTRA_OFFSET",
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


def key_offset(gop: int, wanted: int | None) -> int:
    """What is added to the quality of the I-frames of GOPs of at most `gop` frames; `wanted` None = the usual."""
    if gop == 1:
        return 0
    if wanted is not None:
        return wanted
    return SHORT_INTRA_OFFSET if gop <= SHORT_GOP else INTRA_OFFSET
