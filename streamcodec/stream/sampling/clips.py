"""Which frames make a sample: single frames, or clips of several."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from streamcodec.checks import check_count
from streamcodec.stream.reading.frames import Frame, FrameBatch
from streamcodec.stream.video import Video

__all__ = ["Clips"]


@dataclass(frozen=True)
class Clips:
    """Samples of a stream. `clip_length`: T frames, `frame_stride` apart in the stream; None = a sample is one frame, every
    `frame_stride`th. `clip_stride`: from the first frame of a clip to the first of the next; None = they lie end to end. The first
    begins at frame 0; what is left at the end of a stream, too short for a clip, is left out."""

    clip_length: int | None = None
    frame_stride: int = 1
    clip_stride: int | None = None

    def __post_init__(self) -> None:
        if self.clip_length is not None:
            check_count("clip length", self.clip_length, "frames")
        check_count("frame stride", self.frame_stride, "frames")
        if self.clip_stride is not None:
            check_count("clip stride", self.clip_stride, "frames")

    @property
    def span(self) -> int:
        """Frames of the stream from the first of a clip to its last."""
        return ((self.clip_length or 1) - 1) * self.frame_stride + 1

    @property
    def step(self) -> int:
        """Frames from the beginning of a clip to that of the next."""
        return self.clip_stride or (self.clip_length or 1) * self.frame_stride

    def starts(self, frames: int) -> range:
        """Where the clips of a stream of `frames` begin."""
        return range(0, max(0, frames - self.span + 1), self.step)

    def frames_from(self, start: int) -> range:
        """Indexes of the frames of the clip that begins at `start`."""
        return range(start, start + self.span, self.frame_stride)

    def of_gop(self, video: Video, gop: int) -> Iterator[Frame | FrameBatch]:
        """The samples that begin in a GOP, each a Frame, or of clips a FrameBatch; those with frames that are lost are left out."""
        if self.clip_length is None:
            yield from (frame for frame in video.gop(gop) if frame.index % self.step == 0)
            return
        keys = video.key_frames
        begin = keys[gop] if gop else 0  # concealed frames may stand before the first GOP
        end = keys[gop + 1] if gop + 1 < len(keys) else len(video)
        first = -(-begin // self.step) * self.step
        starts = range(first, min(end, len(video) - self.span + 1), self.step)
        frames = chain.from_iterable(video.gop(number) for number in range(gop, len(keys)))
        for clip in self._windows(frames, starts):
            yield FrameBatch.of(clip, video.size, video.header.frame_format, clip[0].color)

    def _windows(self, frames: Iterator[Frame], starts: range) -> Iterator[list[Frame]]:
        """The clips with these starts out of frames in order; no more of them is held than one clip spans."""
        held: dict[int, Frame] = {}
        newest = -1
        share_frames = self.step % self.frame_stride == 0
        for start in starts:
            held = {index: frame for index, frame in held.items() if index >= start}
            wanted = self.frames_from(start)
            while newest < wanted[-1] and (frame := next(frames, None)) is not None:
                newest = frame.index
                in_grid = not share_frames or (newest - start) % self.frame_stride == 0
                if newest >= start and in_grid:
                    held[newest] = frame
            if all(index in held for index in wanted):
                yield [held[index] for index in wanted]
