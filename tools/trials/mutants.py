#!/usr/bin/env python3
"""Streams that are damaged at random, half of them with right checksums, for fuzz_streams.py.

A library: run fuzz_streams.py.
"""

import hashlib
import io
import random
from dataclasses import replace

import streamcodec
from streamcodec._native import crc32c
from streamcodec.container import Packet, PacketType, Reader
from streamcodec.container.fields import pack_header
from streamcodec.container.format import END_PAYLOAD, PROLOGUE, SYNC
from streamcodec.container.index import pack_end
from streamcodec.container.packet import PacketHeader, pack_packet
from streamcodec.errors import StreamCodecError
from streamcodec.types import Planes

NUMBERS = (
    0,
    1,
    127,
    128,
    16384,
    (1 << 31) - 1,
    1 << 32,
    (1 << 62) - 1,
    (1 << 63) - 1,
    (1 << 64) - 1,
)


class Seed:
    """A sound stream, its packets, and what its frames decode to (None: it is not decoded)."""

    def __init__(self, data: bytes, *, decodes: bool) -> None:
        self.data = data
        self.header = Reader(io.BytesIO(data)).header
        self.packets = [packet for packet in Reader(io.BytesIO(data)) if isinstance(packet, Packet)]
        self.places = [h for h in Reader(io.BytesIO(data)).headers() if isinstance(h, PacketHeader)]
        self.frames: dict[int, str] | None = None
        if decodes:
            self.frames = {frame.index: digest(frame.planes) for frame in streamcodec.open(data)}


def digest(planes: Planes) -> str:
    return hashlib.sha256(b"".join(plane.tobytes() for plane in planes)).hexdigest()


def mutated(seed: Seed, rng: random.Random) -> tuple[bytes, bool]:
    """A mutant, and whether its checksums were made right again."""
    if rng.random() < 0.5:
        return noisy(seed.data, rng), False
    if rng.random() < 0.5:
        return mended(noisy(seed.data, rng)), True
    return rebuilt(seed, rng), True


def noisy(data: bytes, rng: random.Random) -> bytes:
    """Bytes flipped, cut out, doubled, put in, or numbers at their limits written over them."""
    broken = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        at = rng.randrange(len(broken) + 1)
        size = rng.choice((1, 1, 2, 4, 8, 30, 300))
        kind = rng.randrange(6)
        if kind == 0 and at < len(broken):
            broken[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            broken[at : at + size] = rng.randbytes(size)
        elif kind == 2:
            del broken[at : at + size]
        elif kind == 3:
            broken[at:at] = broken[at : at + size]
        elif kind == 4:
            broken[at:at] = rng.choice(
                (SYNC, b"\xff" * 9 + b"\x01", bytes(size), rng.randbytes(size))
            )
        else:
            number = rng.choice(NUMBERS).to_bytes(8, "little")[: rng.choice((1, 2, 4, 8))]
            broken[at : at + len(number)] = number
    return bytes(broken[: rng.randrange(len(broken) + 1)] if rng.random() < 0.1 else broken)


def mended(data: bytes) -> bytes:
    """Every checksum made right, wherever a prologue, a packet header or an end packet seems to stand."""
    fixed = bytearray(data)
    if len(fixed) >= PROLOGUE.size:
        size = int.from_bytes(fixed[12:16], "little")
        fields = bytes(fixed[PROLOGUE.size : PROLOGUE.size + size])
        fixed[16:20] = crc32c(fields, crc32c(bytes(fixed[8:16]))).to_bytes(4, "little")
    at = fixed.find(SYNC)
    while 0 <= at < len(fixed) - 3:
        head, end = fixed[at + 2], at + fixed[at + 2]
        payload = payload_size(bytes(fixed[at:end]))
        following = at + 1
        if head >= 19 and end <= len(fixed):
            if fixed[end - 4 : end] == checksum(fixed[at : end - 4]):
                following = end + payload  # a sound header: no other stands in its payload
            fixed[end - 8 : end - 4] = checksum(fixed[end : end + payload])
            fixed[end - 4 : end] = checksum(fixed[at : end - 4])
        at = fixed.find(SYNC, following)
    if len(fixed) >= END_PAYLOAD.size and fixed.endswith(b"SSF\x1a"):
        start = len(fixed) - END_PAYLOAD.size
        fixed[start + 16 : start + 20] = crc32c(bytes(fixed[start : start + 16])).to_bytes(
            4, "little"
        )
    return bytes(fixed)


def checksum(data: bytearray) -> bytes:
    return crc32c(bytes(data)).to_bytes(4, "little")


def payload_size(head: bytes) -> int:
    """What a packet header announces, at most a megabyte."""
    value = shift = count = 0
    for byte in head[6:]:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            count += 1
            if count == 5:
                return min(value, 1 << 20)
            value = shift = 0
    return 0


def rebuilt(seed: Seed, rng: random.Random) -> bytes:
    """Packets left out, doubled, in another order, with other numbers; headers with other values; other ends."""
    packets = list(seed.packets)
    for _ in range(rng.choice((1, 1, 2, 4))):
        if not packets:
            break
        at, other = rng.randrange(len(packets)), rng.randrange(len(packets))
        kind = rng.randrange(5)
        if kind == 0:
            del packets[at]
        elif kind == 1:
            packets.insert(other, packets[at])
        elif kind == 2:
            packets[at], packets[other] = packets[other], packets[at]
        elif kind == 3:
            packets[at] = replace(packets[at], payload=noisy(packets[at].payload or b"x", rng))
        else:
            name = rng.choice(("gop", "frame", "pts", "duration", "track", "type", "key"))
            value = (
                rng.choice((0, 1, 2, 5, 255))
                if name in ("track", "type")
                else rng.choice(NUMBERS[:8])
            )
            try:
                packets[at] = replace(
                    packets[at], **{name: bool(value) if name == "key" else value}
                )
            except StreamCodecError:
                continue
    head = (
        mended(noisy(pack_header(seed.header), rng))
        if rng.random() < 0.2
        else pack_header(seed.header)
    )
    body = b"".join(map(pack_packet, packets))
    index_at = seed.data.find(SYNC, seed.places[-1].end if seed.places else len(head))
    tail = seed.data[index_at:-43] if rng.random() < 0.7 else noisy(seed.data[index_at:-43], rng)
    size = len(head) + len(body) + len(tail) + 43
    end = pack_packet(Packet(type=PacketType.END, payload=pack_end(len(head) + len(body), size)))
    return mended(head + body + tail + end)
