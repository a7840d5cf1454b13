"""Random access: a decoder that stands in the middle of a GOP, since reading on costs less than starting again."""

from collections.abc import Iterator
from dataclasses import replace

from streamcodec.stream.reading.decoder import PacketDecoder
from streamcodec.stream.reading.frames import Frame

__all__ = ["Position"]


class Position:
    """Where reading stands among the `frames` of GOP number `gop`, at first before them.

    `decoder`: what decodes them, which is told where to start; None where all are wanted.
    """

    def __init__(
        self, gop: int, frames: Iterator[Frame], decoder: PacketDecoder | None = None
    ) -> None:
        self._gop, self._frames, self._decoder = gop, frames, decoder
        self._last: Frame | None = None

    def from_here(self, beginning: "Position", index: int) -> "Position":
        """This, if a frame of the other's GOP lies here or behind, else that."""
        is_behind = self._last is not None and self._last.index > index
        return beginning if is_behind or self._gop != beginning._gop else self

    def frame(self, index: int) -> Frame | None:
        """Read on to this frame, which may be asked for again; None if it is lost."""
        if self._decoder is not None:
            self._decoder.start = index
        while self._last is None or self._last.index < index:
            self._last = next(self._frames, None)
            if self._last is None:
                return None
        return replace(self._last, planes=tuple(plane.copy() for plane in self._last.planes))
