"""The codecs that ours is compared with: encoders in PyAV's wheel, with the settings that make them
comparable.

One thread each: more would cost x264 bits, since it then slices frames or limits motion vectors,
and speeds would be another machine's. One closed GOP length, no scene cuts, constant rate factor.
"""

from dataclasses import dataclass, replace

from streamcodec.errors import UsageError

__all__ = ["ANCHORS", "THREADS", "Anchor", "anchor_named"]

THREADS = 1
"""Of every codec, ours too."""


@dataclass(frozen=True)
class Anchor:
    """`encoder`: FFmpeg's name. `parameters_name`: its option for `parameters`, which are separated
    by colons; "{gop}" is the GOP's length. `crfs`: constant rate factors of a curve, 0 (best) to
    `worst_crf`."""

    name: str
    encoder: str
    preset: str
    parameters_name: str
    parameters: str
    crfs: tuple[int, ...]
    worst_crf: int
    tune: str | None = None

    def options(self, gop: int) -> dict[str, str]:
        """FFmpeg's options for the encoder, with GOPs of `gop` frames."""
        tune = {} if self.tune is None else {"tune": self.tune}
        return {
            "preset": self.preset,
            self.parameters_name: self.parameters.format(gop=gop),
            **tune,
        }

    def check_crf(self, crf: int) -> None:
        """Raises UsageError."""
        if not 0 <= crf <= self.worst_crf:
            raise UsageError(f"the CRF of {self.name} is {crf}; accepted: 0..{self.worst_crf}")

    def __str__(self) -> str:
        return f"{self.name}: preset {self.preset}" + (f", tune {self.tune}" if self.tune else "")


_CRFS = (15, 19, 23, 27, 31, 35, 39, 43, 47)
_AV1_CRFS = (15, 21, 27, 33, 39, 45, 51, 57, 63)
_X264_PARAMETERS = "keyint={gop}:min-keyint={gop}:scenecut=0:" + f"threads={THREADS}"
_X265_PARAMETERS = (
    "keyint={gop}:min-keyint={gop}:scenecut=0:" + f"pools={THREADS}:frame-threads={THREADS}"
)
_SVT = "keyint={gop}:irefresh-type=2:scd=0:" + f"lp={THREADS}"

_X264 = Anchor("x264", "libx264", "medium", "x264-params", _X264_PARAMETERS, _CRFS, 51)
_X265 = Anchor("x265", "libx265", "medium", "x265-params", _X265_PARAMETERS, _CRFS, 51)

ANCHORS = {
    anchor.name: anchor
    for anchor in (
        replace(_X264, name="x264 zerolatency", tune="zerolatency"),
        _X264,
        replace(_X265, name="x265 zerolatency", tune="zerolatency"),
        _X265,
        Anchor("svt-av1", "libsvtav1", "8", "svtav1-params", _SVT, _AV1_CRFS, 63),
    )
}


def anchor_named(name: str) -> Anchor:
    """Raises UsageError if there is none of this name."""
    if name not in ANCHORS:
        raise UsageError(f"codec is {name!r}; accepted: {', '.join(ANCHORS)}")
    return ANCHORS[name]
