"""What becomes of every file: one value that all workers have, and that tells whether an output is
still the right one."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from streamcodec.errors import UsageError
from streamcodec.files import VIDEO_SUFFIXES
from streamcodec.option_fields import option
from streamcodec.stream.options import EncodeOptions
from streamcodec.types import MAX_PIXELS, OnDamage, OnError
from streamcodec.weights import NO_MODEL

from ..files.outputs import Listing
from ..files.sources import STREAM_SUFFIXES, Item

__all__ = ["STREAM", "Coding", "Container"]

Container = Literal["ssf", "mp4", "mkv", "mov", "webm", "y4m"]
STREAM: Container = "ssf"
CONTAINERS: tuple[Container, ...] = (STREAM, "mp4", "mkv", "mov", "webm", "y4m")


@dataclass(frozen=True)
class Coding:
    """`to` "ssf" encodes videos into streams, anything else decodes streams into videos of that
    kind.

    To encode: `options`; `on_error`, what to do at damage in a video; `psnr`, whether to measure
    the quality. `start_seconds`, `duration_seconds` and `max_frames` choose a part of every file,
    both ways. To decode: `codec` and `crf` of FFmpeg's encoder; `on_damage`; `max_pixels`, the
    largest picture that is decoded. `threads`: of PyTorch, in every worker; the bytes of a stream
    depend on it. `check_gops`: how many GOPs a check decodes, evenly spread.
    """

    to: Container = option(
        STREAM, "ssf encodes videos; anything else decodes .ssf streams into such files."
    )
    options: EncodeOptions = field(default_factory=EncodeOptions)
    start_seconds: float = 0.0
    duration_seconds: float | None = None
    max_frames: int | None = None
    on_error: OnError = "raise"
    psnr: bool = False
    codec: str | None = None
    crf: float | None = None
    on_damage: OnDamage = "raise"
    max_pixels: int = MAX_PIXELS
    threads: int = option(
        1,
        "CPU threads of each. With models of PyTorch the bytes of a stream depend on it: keep to one number for a dataset.",
        flag="--threads-per-worker",
        least=1,
    )
    check_gops: int = option(
        0,
        "With --verify: also decode N GOPs of each stream.",
        flag="--verify-gops",
        least=0,
        default="",
    )

    def __post_init__(self) -> None:
        if self.to not in CONTAINERS:
            raise UsageError(f"output is to be {self.to!r}; accepted: {', '.join(CONTAINERS)}")
        if self.threads < 1 or self.check_gops < 0:
            raise UsageError(
                f"threads are {self.threads}, GOPs to check {self.check_gops}; accepted: 1 or more threads, 0 or more GOPs"
            )

    @property
    def encodes(self) -> bool:
        return self.to == STREAM

    @property
    def suffix(self) -> str:
        """Of the outputs."""
        return f".{self.to}"

    @property
    def input_suffixes(self) -> tuple[str, ...]:
        """Of the files of a folder that are inputs."""
        return VIDEO_SUFFIXES if self.encodes else STREAM_SUFFIXES

    def pairs(self, listing: Listing, out: str) -> Iterator[tuple[Item, str]]:
        """The inputs of a listing with the locations of their outputs below `out`, a location."""
        return listing.pairs(out, self.suffix, self.input_suffixes)

    @property
    def part(self) -> dict[str, Any]:
        """The arguments that choose a part of a file."""
        return {
            "start_seconds": self.start_seconds,
            "duration_seconds": self.duration_seconds,
            "max_frames": self.max_frames,
        }

    @property
    def reading(self) -> dict[str, Any]:
        """The arguments of a VideoReader that gives the frames and times that are encoded."""
        options = self.options
        return {
            **self.part,
            "on_error": self.on_error,
            "video_track": options.video_track,
            "hdr": options.hdr,
            "scale": options.scale,
            "fps": options.fps,
        }

    @property
    def opening(self) -> dict[str, Any]:
        """The arguments of `streamcodec.open` for a stream that was encoded."""
        options = self.options
        inter = None if options.inter == NO_MODEL else options.inter
        return {"intra": options.intra, "inter": inter, "max_pixels": self.max_pixels}

    @property
    def settings(self) -> dict[str, Any]:
        """Ready for JSON: what the bytes of the outputs depend on, besides the inputs and the
        models."""
        part = {"to": self.to, **self.part}
        if not self.encodes:
            return part | {
                "codec": self.codec,
                "crf": self.crf,
                "on_damage": self.on_damage,
                "device": self.options.device,
            }
        return part | asdict(self.options) | {"on_error": self.on_error, "threads": self.threads}

    @property
    def settings_text(self) -> str:
        """As the manifest keeps them."""
        return json.dumps(self.settings, sort_keys=True)

    @property
    def models_text(self) -> str:
        return json.dumps(self.model_ids())

    def model_ids(self) -> list[str]:
        """Of the models that encode, in hex; none to decode, where each stream names its own.
        Raises ModelError."""
        if not self.encodes:
            return []
        from streamcodec import load_codec

        return list(load_codec(self.options.intra, self.options.inter, device="cpu").model_ids)
