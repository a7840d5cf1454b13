"""Packets in, frames out: what iteration, random access and `verify` have in common."""

from collections.abc import Iterable, Iterator

from streamcodec.codec import Codec, Reference, decode_frame
from streamcodec.container import Damage, Header, Packet, PacketType
from streamcodec.errors import CorruptStreamError, UnsupportedStreamError, UsageError
from streamcodec.stream.options import DecodeOptions
from streamcodec.stream.reading.frames import Frame
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
        return Codec(intra, inter, header.precision)
    except UsageError as error:
        raise CorruptStreamError(f"header: {error}") from error


class PacketDecoder:
    """Decodes the packets of a stream, from any key frame on. Frames that follow a loss in their GOP are left out."""

    def __init__(self, codec: Codec, header: Header, *, strict: bool) -> None:
        self._codec = codec
        self._header = header
        self._strict = strict
        self._reference: Reference | None = None
        self._planes: Planes | None = None
        self._next_frame = -1  # number of the only non-key frame that can be decoded next

    def frames(self, items: Iterable[Packet | Damage]) -> Iterator[Frame]:
        """Raises CorruptStreamError at the first frame that does not decode, unless it is not strict."""
        for item in items:
            if isinstance(item, Packet) and item.type == PacketType.FRAME:
                frame = self.decode(item)
                if frame is not None:
                    yield frame

    @property
    def planes(self) -> Planes | None:
        """The last decoded frame, without the header's crop; it may be one that was handed out."""
        return self._planes

    def decode(self, packet: Packet) -> Frame | None:
        """One frame packet; None if it cannot be decoded."""
        if not packet.key and packet.frame != self._next_frame:
            return None
        reference = None if packet.key else self._reference
        video = self._header.video
        try:
            decoded = decode_frame(
                self._codec, packet.payload, reference, (video.height, video.width)
            )
        except CorruptStreamError as error:
            self._next_frame = -1
            if self._strict:
                raise CorruptStreamError(
                    f"frame {packet.frame} does not decode: {error}"
                ) from error
            return None
        self._reference, self._planes, self._next_frame = (
            decoded,
            decoded.planes(),
            packet.frame + 1,
        )
        kind = self._codec.model_for(reference).role
        shown = self._shown(self._planes)
        return Frame(
            shown, packet.frame, kind, packet.pts, packet.duration, video.time_base, video.color
        )

    def _shown(self, planes: Planes) -> Planes:
        crop = self._header.crop
        if crop is None:
            return planes
        return color.cropped(planes, crop.left, crop.top, crop.width, crop.height)
