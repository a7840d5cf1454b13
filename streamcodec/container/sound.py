"""Packets of sound and subtitles: TrackPacket, as FFmpeg has it, to a packet of a stream and back."""

from streamcodec.container.format import Cursor, pack_blob, pack_varint
from streamcodec.container.packet import MAX_EXTENSION_SIZE, Packet, PacketType
from streamcodec.errors import CorruptStreamError
from streamcodec.tracks import AudioTrack, Track, TrackPacket

__all__ = ["pack_track_packet", "unpack_track_packet"]

_TRIM = 1
_CUE_IDENTIFIER = 2
_CUE_SETTINGS = 3


def pack_track_packet(packet: TrackPacket, track: Track, gop: int) -> Packet:
    """The packet of `track` as it lies in GOP number `gop`."""
    return Packet(
        type=PacketType.AUDIO if isinstance(track, AudioTrack) else PacketType.SUBTITLE,
        key=packet.key,
        track=track.number,
        gop=gop,
        pts=packet.pts,
        duration=packet.duration,
        extension=_pack_items(packet),
        payload=packet.data,
    )


def unpack_track_packet(packet: Packet) -> TrackPacket:
    """The counterpart. Raises CorruptStreamError if an item of the header is malformed; unknown items are skipped."""
    items = _unpack_items(packet.extension)
    trim = Cursor(items.get(_TRIM, b"\0\0"), "packet header, item trim")
    return TrackPacket(
        track=packet.track,
        pts=packet.pts,
        data=packet.payload,
        duration=packet.duration,
        key=packet.key,
        trim=(trim.varint(), trim.varint()),
        cue=(_text(items.get(_CUE_IDENTIFIER, b"")), _text(items.get(_CUE_SETTINGS, b""))),
    )


def _pack_items(packet: TrackPacket) -> bytes:
    """The items that differ from what is understood, as many as fit into a header: a trim always does."""
    items = []
    if packet.trim != (0, 0):
        items.append((_TRIM, pack_varint(packet.trim[0]) + pack_varint(packet.trim[1])))
    for kind, text in zip((_CUE_IDENTIFIER, _CUE_SETTINGS), packet.cue, strict=True):
        if text:
            items.append((kind, text.encode()))
    packed = b""
    for kind, value in items:
        item = pack_varint(kind) + pack_blob(value)
        if len(packed) + len(item) <= MAX_EXTENSION_SIZE:
            packed += item
    return packed


def _unpack_items(extension: bytes) -> dict[int, bytes]:
    cursor = Cursor(extension, "packet header, items")
    items = {}
    while cursor.remaining:
        kind = cursor.varint()
        items[kind] = cursor.blob()
    return items


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise CorruptStreamError("packet header: a cue is not valid UTF-8") from error
