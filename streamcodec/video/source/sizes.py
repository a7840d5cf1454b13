"""What each picture of a coded video takes, and what it was coded by; reads packets, decodes nothing."""

from dataclasses import dataclass

from streamcodec.video.source.opened import OpenSource
from streamcodec.video.source.opening import Source, reading

__all__ = ["PacketSizes", "packet_sizes"]


@dataclass(frozen=True)
class PacketSizes:
    """`by_pts`: a picture's time in ticks of its track -> bytes of its packets. `packets`, `size_bytes`: of all pictures;
    `file_bytes`: of the whole file, 0 if that is not known. `coded_by`: the codec, its profile, and the encoder if the file names it.
    """

    by_pts: dict[int, int]
    packets: int
    size_bytes: int
    file_bytes: int
    coded_by: str


def packet_sizes(source: Source, video_track: int | None = None) -> PacketSizes:
    """Of the track that VideoReader takes. Where packets have no times to show their pictures, those to decode them stand in.

    Raises SourceError as VideoReader does.
    """
    opened = OpenSource(source, video_track)
    by_pts: dict[int, int] = {}
    packets = total = 0
    try:
        with reading(opened.name):
            for packet in opened.container.demux(opened.stream):
                if not packet.size:
                    continue
                packets, total = packets + 1, total + packet.size
                pts = packet.dts if packet.pts is None else packet.pts
                if pts is not None:
                    by_pts[pts] = by_pts.get(pts, 0) + packet.size
            return PacketSizes(
                by_pts, packets, total, max(opened.container.size, 0), _coded_by(opened)
            )
    finally:
        opened.close()


def _coded_by(opened: OpenSource) -> str:
    context = opened.stream.codec_context
    profile = f" ({context.profile})" if context.profile else ""
    encoder = opened.stream.metadata.get("encoder") or opened.stream.metadata.get("ENCODER")
    return f"{context.codec.canonical_name}{profile}" + (f", {encoder}" if encoder else "")
