"""Streams with B-frames where a test wants them, whatever the encoder would decide."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from streamcodec.codec import Codec, CodedFrame, GopDigest, Reference, encode_frame, pyramid
from streamcodec.container import Header, ModelRef, Packet, PacketType
from streamcodec.types import Planes, VideoFormat

from .streams import stream_of

__all__ = ["RUNS", "SIZE", "CodedRuns", "coded_gop", "coded_runs"]

RUNS = ((3, 0, 2), (7, 1))
"""Of each GOP, how many B-frames lie before each of its P-frames: 9 and 11 frames."""

SIZE = (37, 53)
"""(height, width)"""


@dataclass(frozen=True)
class CodedRuns:
    """A stream, what its frames decode to, and their types."""

    data: bytes
    planes: list[Planes]
    types: str


def coded_runs(codec: Codec, runs: Sequence[Sequence[int]] = RUNS) -> CodedRuns:
    """A stream of 53x37 at 25 fps with these runs."""
    video = VideoFormat(53, 37, time_base=Fraction(1, 25), frame_rate=Fraction(25))
    assert codec.inter is not None
    header = Header(
        video,
        ModelRef(codec.intra.name, codec.intra.id),
        ModelRef(codec.inter.name, codec.inter.id),
        frame_format=codec.frame_format,
        b_frames=max(map(max, runs)),
    )
    packets: list[Packet] = []
    coded: list[CodedFrame] = []
    types = ""
    for gop, run_lengths in enumerate(runs):
        first, digest = len(coded), GopDigest()
        kinds = "I" + "".join("B" * count + "P" for count in run_lengths)
        for kind, frame in zip(kinds, coded_gop(codec, run_lengths), strict=True):
            number = len(coded)
            packets.append(
                Packet(
                    type=PacketType.FRAME,
                    key=kind == "I",
                    b_frame=kind == "B",
                    gop=gop,
                    frame=number,
                    pts=number,
                    duration=1,
                    payload=frame.payload,
                )
            )
            coded.append(frame)
            digest.add(frame.planes)
        hashed = Packet(type=PacketType.GOP_HASH, gop=gop, frame=first, payload=digest.digest())
        packets.append(hashed)
        types += kinds
    return CodedRuns(stream_of(header, packets), [frame.planes for frame in coded], types)


def coded_gop(codec: Codec, runs: Sequence[int]) -> Iterator[CodedFrame]:
    """A GOP with these runs, in order of display: qualities 40, 32 and 24 of I-, P- and B-frames."""
    pictures = [_picture(number) for number in range(1 + sum(runs) + len(runs))]
    anchor, at = encode_frame(codec, pictures[0], None, 40), 0
    yield anchor
    for count in runs:
        behind = encode_frame(codec, pictures[at + count + 1], anchor.reference, 32)
        decoded: dict[int, Reference] = {0: anchor.reference, count + 1: behind.reference}
        coded = {count + 1: behind}
        for place in pyramid(count):
            between = place.between(decoded[place.past], decoded[place.future])
            coded[place.at] = encode_frame(codec, pictures[at + place.at], between, 24)
            decoded[place.at] = coded[place.at].reference
        yield from (coded[number] for number in range(1, count + 2))
        anchor, at = behind, at + count + 1


def _picture(number: int) -> Planes:
    """Noise that moves, 4:2:0."""
    noise = np.random.default_rng(1).integers(0, 256, (37, 53), np.uint8)
    luma = np.roll(noise, 2 * number, axis=1)
    chroma = np.full((19, 27), 128 + number, np.uint8)
    return np.ascontiguousarray(luma), chroma, chroma.copy()
