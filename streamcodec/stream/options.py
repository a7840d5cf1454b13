"""How to encode and how to decode: one value each, for the command line, Python and batch jobs."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypedDict

from streamcodec.checks import (
    check_count,
    check_fps,
    check_hdr,
    check_on_damage,
    check_precision,
    check_preset,
    check_quality,
    check_scale,
    check_seconds,
    is_integer,
    is_number,
)
from streamcodec.container import DEFAULT_LIMITS, Limits
from streamcodec.errors import UsageError
from streamcodec.files import ByteSource
from streamcodec.option_fields import option
from streamcodec.stream.control import offsets
from streamcodec.stream.control.target import Measure, Target
from streamcodec.stream.reading.follow import DEFAULT_FOLLOW_SECONDS
from streamcodec.tracks import Carry, check_carry
from streamcodec.types import MAX_PIXELS, MAX_RUN, QUALITIES, Hdr, OnDamage, Precision, Preset
from streamcodec.weights import DEFAULT_INTER, DEFAULT_INTRA

__all__ = [
    "DEFAULT_GOP",
    "DEFAULT_QUALITY",
    "DEFAULT_SCENECUT",
    "MAX_GOP",
    "DecodeOptions",
    "DecodeSettings",
    "EncodeOptions",
    "EncodeSettings",
    "OpenSettings",
    "options_of",
]

DEFAULT_QUALITY = 32
DEFAULT_GOP = 32
DEFAULT_SCENECUT = 0.3
"""Measured: streamcodec/motion/scenecut.py says how."""
MAX_GOP = 65535
ALL_DEVICES = "cpu for the default models, for others a GPU if there is one"


@dataclass(frozen=True)
class EncodeOptions:
    """`quality`: 0..63, higher is better. `gop`: most frames from one I-frame to the next, 1..65535 (1 = I-frames only).
    `intra_offset`: added to the quality of I-frames that P-frames follow (within 0..63), since what they gain, all of their GOP gains; None
    is 8 for GOPs of up to 16 frames and 16 for longer ones. In GOPs of more than 32 frames the P-frame at, or first behind, every 32nd
    frame is 12 qualities better, but no better than an I-frame, unless feedback chooses the quality of every frame.
    `b_frames`: most B-frames in a row, 0..7, which are predicted from frames before and behind them; the encoder takes fewer where they
    do not pay. They are coded some qualities worse, the P-frame behind them better. 0 = none: every frame is coded as it comes. Models of
    the zoo code none.
    `scenecut`: threshold of the scene-cut detector, which starts a new GOP; 0 = off.
    `intra`, `inter`: names of models, or paths of .safetensors files; `inter` "none" codes I-frames only.
    `device`: "cpu", "cuda", ...; None is the CPU for the default models, and for those of the zoo a GPU if there is one. The default models
    encode on the CPU in any case. `precision`: arithmetic of PyTorch's networks.
    `preset`: "fast", "medium" or "slow": how much the native encoder tries. "fast" searches motion less; "slow" codes every P-frame twice,
    for half a percent fewer bits in two thirds more time. The models of PyTorch have one way only.
    `hash`: write a hash of every GOP's decoded frames, so that a decoder can tell whether its pictures are bit-exact.
    `audio`, `subtitles`: "copy" puts the packets of these tracks into the stream, untouched; "none" leaves them out.
    `target_psnr_db`, `target_bpp`, `target_kbit_per_second`: at most one of them; what to reach. `quality` then counts for nothing.
    `hdr`: what becomes of videos with PQ or HLG and more than 8 bits: "tonemap", "clip" (above SDR white) or "refuse" (SourceError).
    `background`: "white", "black" or "#rrggbb": what transparent pixels of a video are laid on; None drops their alpha, which is noted.
    `video_track`: which of several video tracks of the source, from 0 (FFmpeg's v:N); None = the one that players choose, which is noted.
    `scale`: "1280x720", the width and height that the source's pictures are scaled to, before any rotation; None leaves them.
    `fps`: frames per second of the stream, a number or text such as "30000/1001": frames are repeated or left out by their times, as by
    FFmpeg's filter `fps`; sound stays in sync. It is kept as text. None takes the frames and times of the source as they are.
    """

    quality: int = option(
        DEFAULT_QUALITY,
        "Higher is better and larger.",
        short="-q",
        least=0,
        most=QUALITIES - 1,
        alternative=True,
    )
    gop: int = option(DEFAULT_GOP, "Most frames between I-frames.", least=1, most=MAX_GOP)
    intra_offset: int | None = option(
        None,
        "Added to the quality of I-frames.",
        least=1 - QUALITIES,
        most=QUALITIES - 1,
        default=f"{offsets.SHORT_INTRA_OFFSET} for GOPs of up to {offsets.SHORT_GOP} frames, {offsets.INTRA_OFFSET} for longer ones",
    )
    b_frames: int = option(
        MAX_RUN,
        "Most B-frames in a row; the encoder takes fewer where they do not pay. 0 = none.",
        least=0,
        most=MAX_RUN,
    )
    scenecut: float = option(
        DEFAULT_SCENECUT, "Threshold of the scene-cut detector; 0 = off.", least=0, most=1
    )
    intra: str = option(
        DEFAULT_INTRA, "Model of the I-frames: a name (see `models`) or a .safetensors file."
    )
    inter: str = option(DEFAULT_INTER, "Model of P- and B-frames, likewise; none = I-frames only.")
    device: str | None = option(None, "cpu, cuda, cuda:1, ...", default=ALL_DEVICES)
    precision: Precision = option("fp32", "Arithmetic of PyTorch's networks.")
    preset: Preset = option(
        "medium",
        "How much the encoder tries: slower gives fewer bytes (docs/quality.md has figures). Models of PyTorch have one way only.",
    )
    hash: bool = option(True, "Store a hash of every GOP's decoded frames (for `verify`).")
    audio: Carry = option("copy", "Copy the tracks of sound into the output, or leave them out.")
    subtitles: Carry = option(
        "copy", "Copy the tracks of subtitles into the output, or leave them out."
    )
    target_psnr_db: float | None = option(
        None,
        "The lowest quality that has this PSNR, as --psnr measures it.",
        flag="--target-psnr",
        metavar="DB",
        default="",
        alternative=True,
    )
    target_bpp: float | None = option(
        None,
        "The highest quality with no more bits per pixel.",
        metavar="BPP",
        default="",
        alternative=True,
    )
    target_kbit_per_second: float | None = option(
        None,
        "The highest quality with no more than this: 800 or 800k (kbit/s), 1.5M.",
        flag="--bitrate",
        metavar="RATE",
        default="",
        alternative=True,
    )
    hdr: Hdr = option(
        "tonemap", "PQ and HLG: tone-map them to SDR, cut off what is above SDR white, or refuse."
    )
    background: str | None = option(
        None,
        "What transparent pixels are laid on: white, black or #rrggbb.",
        metavar="COLOUR",
        default="alpha is dropped",
    )
    video_track: int | None = option(
        None,
        "Which of several video tracks, from 0.",
        least=0,
        metavar="N",
        default="the one that players choose",
    )
    scale: str | None = option(
        None, "Size of the pictures, in pixels.", metavar="WxH", default="the source's"
    )
    fps: str | float | Fraction | None = option(
        None,
        "Constant frame rate, such as 25 or 30000/1001: frames are repeated or left out.",
        metavar="N",
        default="the source's times",
    )

    @property
    def target(self) -> Target | None:
        """What to reach; None = `quality` stands."""
        targets = self._targets()
        return targets[0] if targets else None

    def _targets(self) -> list[Target]:
        """All that are set; UsageError for a value that is not accepted."""
        wanted: dict[Measure, float | None] = {
            "psnr_db": self.target_psnr_db,
            "bpp": self.target_bpp,
            "kbit_per_second": self.target_kbit_per_second,
        }
        return [Target(measure, value) for measure, value in wanted.items() if value is not None]

    def quality_of_key(self, quality: int) -> int:
        """The quality, 0..63, of an I-frame among P-frames of `quality`."""
        return min(max(quality + self.key_offset, 0), QUALITIES - 1)

    @property
    def key_offset(self) -> int:
        """What is added to the quality of I-frames."""
        return offsets.key_offset(self.gop, self.intra_offset)

    @property
    def refresh_offset(self) -> int:
        """What is added to the quality of the P-frame at, or first behind, every 32nd frame of a GOP."""
        return min(max(self.key_offset, 0), offsets.REFRESH_OFFSET)

    def at_quality(self, quality: int) -> "EncodeOptions":
        """The same options with this quality and no target."""
        return replace(
            self, quality=quality, target_psnr_db=None, target_bpp=None, target_kbit_per_second=None
        )

    def __post_init__(self) -> None:
        check_quality(self.quality)
        targets = self._targets()
        if len(targets) > 1:
            raise UsageError(
                f"targets are {' and '.join(map(str, targets))}; accepted: one of them"
            )
        check_precision(self.precision)
        check_preset(self.preset)
        check_hdr(self.hdr)
        check_carry("audio", self.audio)
        check_carry("subtitles", self.subtitles)
        if self.video_track is not None:
            check_count("video track", self.video_track, "(the first)", at_least=0)
        if self.scale is not None:
            check_scale(self.scale)
        if self.fps is not None:
            object.__setattr__(self, "fps", str(check_fps(self.fps)))
        intra_offset = 0 if self.intra_offset is None else self.intra_offset
        for name, value, least, most in (
            ("GOP length", self.gop, 1, MAX_GOP),
            ("intra offset", intra_offset, 1 - QUALITIES, QUALITIES - 1),
            ("number of B-frames in a row", self.b_frames, 0, MAX_RUN),
        ):
            if not is_integer(value, least, most):
                raise UsageError(f"{name} is {value!r}; accepted: {least}..{most}")
        if not is_number(self.scenecut) or not 0 <= self.scenecut <= 1:
            raise UsageError(f"scene-cut threshold is {self.scenecut!r}; accepted: 0 (off) to 1")


class EncodeSettings(TypedDict, total=False):
    """The fields of EncodeOptions, as keywords."""

    quality: int
    gop: int
    intra_offset: int | None
    b_frames: int
    scenecut: float
    intra: str
    inter: str
    device: str | None
    precision: Precision
    preset: Preset
    hash: bool
    audio: Carry
    subtitles: Carry
    target_psnr_db: float | None
    target_bpp: float | None
    target_kbit_per_second: float | None
    background: str | None
    video_track: int | None
    hdr: Hdr
    scale: str | None
    fps: str | float | Fraction | None


def options_of(options: EncodeOptions | None, settings: EncodeSettings) -> EncodeOptions:
    """The options with these fields in place of their own. Raises UsageError for both a quality and a target among the fields."""
    if options is not None and not isinstance(options, EncodeOptions):
        raise UsageError(f"options is a {type(options).__name__}; accepted: EncodeOptions")
    changed = replace(options or EncodeOptions(), **settings)
    if "quality" in settings and changed.target is not None:
        raise UsageError(
            f"quality is {changed.quality} and the target {changed.target}; accepted: one of the two"
        )
    return changed


@dataclass(frozen=True)
class DecodeOptions:
    """`device`: "cpu", "cuda", ...; None is the CPU for the default models, and for those of the zoo a GPU if there is one.

    `intra`, `inter`: weights files to use if the stream's models are not installed. `on_damage`: "raise" stops at the first defect with a
    CorruptStreamError; "skip" leaves out the frames that are lost, at most the rest of the GOP; "conceal" repeats the last good frame in
    their place, and marks it. `header_from`: another stream with the same
    settings, whose header is taken for a stream that has lost its own. `limits`: how much a stream may hold.
    `max_pixels`: the largest picture, width x height, that may be decoded (default 8192 x 4352): a small stream can
    declare a huge one. `follow`: the stream is a file that is still being written; reading waits for more where its bytes run out, and
    after `follow_timeout_seconds` (inf = never) without any takes it as cut off.
    """

    device: str | None = option(None, "cpu, cuda, cuda:1, ...", default=ALL_DEVICES)
    intra: str | None = option(
        None,
        "Weights file (.safetensors) of the I-frames' model, if it is not among `models`.",
        default="",
    )
    inter: str | None = option(None, "Weights file for P- and B-frames, likewise.", default="")
    max_pixels: int = option(
        MAX_PIXELS,
        "Largest picture to decode, width times height: a small stream can announce a huge one.",
        least=1,
        default="8192 x 4352",
    )
    on_damage: OnDamage = option(
        "raise",
        "At damage in a stream: fail, leave out the frames that are lost (at most the rest of the "
        "GOP), or repeat the last good frame in their place.",
    )
    header_from: ByteSource | None = option(
        None,
        "Take the header of this stream, coded with the same settings, if IN has lost its own.",
        metavar="OTHER.ssf",
        default="",
    )
    limits: Limits = option(
        DEFAULT_LIMITS,
        "How much IN may hold: packets, frames, gops, payload_bytes, concealed, tracks or tags; may "
        "be repeated.",
        flag="--limit",
        metavar="NAME=N",
        default="",
    )
    follow: bool = option(
        False,
        "IN is a file that is still being written (`encode --low-latency`): wait for more, up to its end.",
        eager=True,
    )
    follow_timeout_seconds: float = option(
        DEFAULT_FOLLOW_SECONDS,
        "With --follow: seconds without growth after which IN counts as cut off; inf = never.",
        flag="--follow-timeout",
        metavar="SECONDS",
    )

    def __post_init__(self) -> None:
        check_seconds("follow timeout", self.follow_timeout_seconds)
        check_count("largest picture", self.max_pixels, "pixels")
        check_on_damage(self.on_damage)


class DecodeSettings(TypedDict, total=False):
    """The fields of DecodeOptions, as keywords, without what to do at damage."""

    device: str | None
    intra: str | None
    inter: str | None
    max_pixels: int
    header_from: ByteSource | None
    limits: Limits
    follow: bool
    follow_timeout_seconds: float


class OpenSettings(DecodeSettings, total=False):
    """All fields of DecodeOptions, as keywords."""

    on_damage: OnDamage
