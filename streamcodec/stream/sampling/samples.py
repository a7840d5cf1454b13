"""What the two datasets share: their settings, their sources, and how a sample is made."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from streamcodec.errors import UsageError
from streamcodec.file_objects import reading_object
from streamcodec.files import STANDARD_STREAM, ByteSource, input_file
from streamcodec.stream.options import DecodeOptions, OpenSettings
from streamcodec.stream.reading.frames import Frame, FrameBatch
from streamcodec.stream.reading.opening import HINT, hinting
from streamcodec.stream.sampling.clips import Clips
from streamcodec.stream.sampling.shaping import CropPosition, Shaping, Size
from streamcodec.stream.video import Video

__all__ = ["SampleSettings", "Samples", "label_of", "sources_of"]

CLIPS = ("clip_length", "frame_stride", "clip_stride")
SHAPING = ("resize", "crop", "crop_position", "output_dtype")


class SampleSettings(OpenSettings, total=False):
    """The fields of Clips, Shaping and DecodeOptions, as keywords."""

    clip_length: int | None
    frame_stride: int
    clip_stride: int | None
    resize: Size | None
    crop: Size | None
    crop_position: CropPosition
    output_dtype: Any


@dataclass(frozen=True)
class Samples:
    """How streams are opened and samples made of them. `seed` decides random crops, with the epoch and the place in the stream.
    `hint`: what a message says of damage."""

    clips: Clips
    shaping: Shaping
    options: DecodeOptions
    transform: Callable[[Any], Any] | None
    seed: int
    hint: str = HINT

    @classmethod
    def of(
        cls,
        settings: SampleSettings,
        transform: Callable[[Any], Any] | None,
        seed: int,
        hint: str = HINT,
    ) -> "Samples":
        """Networks run on the CPU unless the settings say otherwise."""
        given = cast(dict[str, Any], settings)
        clips = Clips(**{name: given.pop(name) for name in CLIPS if name in given})
        shaping = Shaping(**{name: given.pop(name) for name in SHAPING if name in given})
        if transform is not None and shaping.output_dtype != "uint8":
            raise UsageError(
                "transform and output_dtype are both given; accepted: one of them, for transform makes the sample"
            )
        options = DecodeOptions(**{"device": "cpu", **given})
        return cls(clips, shaping, options, transform, seed, hint)

    def open(self, source: ByteSource) -> Video:
        """A stream that is to be read."""
        with hinting(self.options.on_damage, self.hint):
            video = Video(source, self.options)
            try:
                self.shaping.size_of(video.size, label_of(source))
            except UsageError:
                video.close()
                raise
            return video

    def make(self, shown: Frame | FrameBatch, source: ByteSource, place: str) -> Any:
        """A sample. `place`: epoch, and number of the source and of the sample's first frame."""
        shaped = self.shaping.shaped(shown, label_of(source), f"{self.seed}/{place}")
        return self.shaping.sample(shaped) if self.transform is None else self.transform(shaped)


def label_of(source: ByteSource) -> str:
    """How messages call a source."""
    return os.fspath(source) if isinstance(source, (str, os.PathLike)) else "the stream"


def sources_of(sources: ByteSource | Sequence[ByteSource]) -> list[ByteSource]:
    """One source or many. Each can be opened any number of times."""
    is_one = isinstance(sources, (str, bytes, bytearray, memoryview))
    several = [sources] if is_one or not isinstance(sources, Sequence) else list(sources)
    return [_that_opens_again(source) for source in cast(list[ByteSource], several)]


def _that_opens_again(source: ByteSource) -> ByteSource:
    """The source, or its bytes if it can be read but once."""
    if source == STANDARD_STREAM or hasattr(source, "read"):
        with input_file(source) as file, reading_object("a source"):
            return file.read()
    return bytes(source) if isinstance(source, memoryview) else source
