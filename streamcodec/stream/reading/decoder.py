"""Packets in, frames out: what iteration, random access and `verify` have in common."""

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction

from streamcodec.codec import Between, Codec, Reference, decode_frame, decode_run
from streamcodec.container import Damage, Decodable, Header, Packet, PacketType
from streamcodec.errors import CorruptStreamError, UnsupportedStreamError, UsageError
from streamcodec.stream.options import DecodeOptions
from streamcodec.stream.reading.frames import Frame, frame_of
from streamcodec.types import Planes
from streamcodec.video import color
from streamcodec.weights import find_model

__all__ = ["PacketDecoder", "check_size", "codec_for"]


def check_size(header: Header, options: DecodeOptions) -> None:
    """Raise UnsupportedStreamError if the stored picture is larger than the options allow."""
    width, height = header.video.width, header.video.height
    if width * height > options.max_pixels:
        raise UnsupportedStreamError(
            f"the stream's picture is {width}x{height}, {width * height} pixels; accepted: up to {options.max_pixels} pixels; "
            "if you trust it and have the memory, allow more with --max-pixels (max_pixels=)"
        )


def codec_for(header: Header, options: DecodeOptions) -> Codec:
    """The codec that a stream names.

    Raises UnsupportedStreamError if a model is not installed, CorruptStreamError if it does not do what the header says.
    """
    intra = find_model(header.intra.name, header.intra.id, options.device, options.intra)
    inter = (
        None
        if header.inter is None
        else find_model(header.inter.name, header.inter.id, options.device, options.inter)
    )
    for model in (intra, inter):
        if model is not None and model.frame_format != header.frame_format:
            raise CorruptStreamError(
                f"header: frame format is {header.frame_format}, but {model.name} codes {model.frame_format}"
            )
    try:
        codec = Codec(intra, inter, header.precision)
    except UsageError as error:
        raise CorruptStreamError(f"header: {error}") from error
    if header.b_frames and not codec.codes_b_frames:
        name = intra.name if inter is None else inter.name
        raise CorruptStreamError(f"header: there are B-frames, which {name} does not code")
    return codec


class PacketDecoder:
    """Decodes the packets of a stream, from any key frame on; frames come in order of display.

    B-frames wait for the frame behind their run. What follows a loss in its GOP is left out, and the
    B-frames that wait for what is lost. B-frames before number `start`, or shown before
    `start_pts`, are left out too, and decoded only where others are coded from them; both may be
    raised between two frames, which counts from the next run on.
    """

    def __init__(self, codec: Codec, header: Header, *, strict: bool) -> None:
        self.start = 0
        self.start_pts: Fraction | float = -math.inf
        self._codec = codec
        self._header = header
        self._strict = strict
        self._decodable: Decodable[Packet] = Decodable()
        self._anchor: Reference | None = None  # the last I- or P-frame

    def frames(self, items: Iterable[Packet | Damage]) -> Iterator[Frame]:
        """Raises CorruptStreamError at the first frame that does not decode, unless it is not strict."""
        for item in items:
            if isinstance(item, Packet) and item.type == PacketType.FRAME:
                for packet, decoded in self.decode(item):
                    yield self._frame(packet, decoded.planes())

    def decode(self, packet: Packet) -> Iterator[tuple[Packet, Reference]]:
        """Decode what can be decoded now that this frame packet has come: none, one frame, or a run and the frame behind it.

        The planes are not cropped. Raises as `frames` does.
        """
        ready = self._decodable.add(packet)
        if not ready:
            return
        skipped = sum(map(self._skips, ready))
        decoded = self._decoded(ready, skipped)
        for each in ready[skipped:]:
            try:
                frame = next(decoded)
            except CorruptStreamError:
                self._decodable.lose()
                if self._strict:
                    raise
                return
            yield each, frame

    def _skips(self, packet: Packet) -> bool:
        return packet.b_frame and (packet.frame < self.start or packet.pts < self.start_pts)

    def _decoded(self, ready: list[Packet], skipped: int) -> Iterator[Reference]:
        *run, last = ready
        before = None if last.key else self._anchor
        anchor = self._anchor = self._decode(last, before)
        if before is not None:
            yield from decode_run(
                len(run),
                before,
                anchor,
                lambda at, two: self._decode(run[at - 1], two),
                start=skipped,
            )
        yield anchor

    def _decode(self, packet: Packet, reference: Reference | Between | None) -> Reference:
        size = (self._header.video.height, self._header.video.width)
        try:
            return decode_frame(self._codec, packet.payload, reference, size)
        except CorruptStreamError as error:
            raise CorruptStreamError(f"frame {packet.frame} does not decode: {error}") from error

    def _frame(self, packet: Packet, planes: Planes) -> Frame:
        crop, video = self._header.crop, self._header.video
        if crop is not None:
            planes = color.cropped(planes, crop.left, crop.top, crop.width, crop.height)
        return frame_of(packet, planes, self._codec, video)
