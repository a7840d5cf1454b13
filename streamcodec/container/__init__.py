"""The .ssf container: what a stream says of itself, its packets, and the way to any of them. format.py specifies it byte by byte."""

from streamcodec.container.fields import pack_header, pack_metadata, unpack_header, unpack_metadata
from streamcodec.container.header import ContentLight, Crop, Header, MasteringDisplay, ModelRef
from streamcodec.container.index import Damage, Index, IndexEntry, is_complete
from streamcodec.container.limits import DEFAULT_LIMITS, Limits
from streamcodec.container.loss import Decodable, Loss, Losses, describe_losses
from streamcodec.container.packet import Packet, PacketHeader, PacketType
from streamcodec.container.reader import Reader
from streamcodec.container.sound import pack_track_packet, unpack_track_packet
from streamcodec.container.writer import Writer
from streamcodec.tracks import (
    AudioTrack,
    Chapter,
    SubtitleTrack,
    Track,
    TrackDetail,
    TrackPacket,
)

__all__ = [
    "DEFAULT_LIMITS",
    "AudioTrack",
    "Chapter",
    "ContentLight",
    "Crop",
    "Damage",
    "Decodable",
    "Header",
    "Index",
    "IndexEntry",
    "Limits",
    "Loss",
    "Losses",
    "MasteringDisplay",
    "ModelRef",
    "Packet",
    "PacketHeader",
    "PacketType",
    "Reader",
    "SubtitleTrack",
    "Track",
    "TrackDetail",
    "TrackPacket",
    "Writer",
    "describe_losses",
    "is_complete",
    "pack_header",
    "pack_metadata",
    "pack_track_packet",
    "unpack_header",
    "unpack_metadata",
    "unpack_track_packet",
]
