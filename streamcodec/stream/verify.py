"""Is a stream whole, and do its frames decode to the encoder's pixels?"""

from dataclasses import dataclass, field
from typing import Unpack

from streamcodec.codec import GopDigest
from streamcodec.container import Damage, Packet, PacketType, Reader
from streamcodec.files import ByteSource, input_file
from streamcodec.stream.decoder import PacketDecoder, check_size, codec_for
from streamcodec.stream.options import DecodeOptions, DecodeSettings
from streamcodec.stream.stages import Progress

__all__ = ["VerifyReport", "verify"]


@dataclass(frozen=True)
class VerifyReport:
    """`problems`: what is wrong with the stream; none = it is whole. `frames`, `gops`: found in it. `decoded`: frames that decode, None if
    that was not tried. `exact_gops`: GOPs whose decoded pixels have the encoder's hash; `inexact_gops`: whose pixels differ, as they may
    on a machine with other arithmetic (numbers of the GOPs).
    """

    frames: int
    gops: int
    problems: tuple[str, ...]
    decoded: int | None = None
    exact_gops: int = 0
    inexact_gops: tuple[int, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.problems


@dataclass
class _Walk:
    """Counts what goes by."""

    frames: int = 0
    gops: int = 0
    problems: list[str] = field(default_factory=list)

    def add(self, item: Packet | Damage) -> None:
        if isinstance(item, Damage):
            self.problems.append(item.reason)
        elif item.type == PacketType.FRAME:
            self.frames += 1
            self.gops += item.key


class _Decoding:
    """Decodes what goes by and compares each GOP with its hash."""

    def __init__(self, decoder: PacketDecoder) -> None:
        self._decoder = decoder
        self._digest = GopDigest()
        self._gop_is_whole = True
        self.frames = 0
        self.exact_gops = 0
        self.inexact_gops: list[int] = []

    def add(self, packet: Packet) -> None:
        if packet.type == PacketType.FRAME:
            self._add_frame(packet)
        elif packet.type == PacketType.GOP_HASH and self._gop_is_whole:
            if self._digest.digest() == packet.payload:
                self.exact_gops += 1
            else:
                self.inexact_gops.append(packet.gop)

    def _add_frame(self, packet: Packet) -> None:
        if packet.key:
            self._digest, self._gop_is_whole = GopDigest(), True
        frame = self._decoder.decode(packet)
        if frame is None or self._decoder.planes is None:
            self._gop_is_whole = False
            return
        self.frames += 1
        self._digest.add(self._decoder.planes)


def verify(
    source: ByteSource,
    *,
    decode: bool = True,
    progress: Progress | None = None,
    **settings: Unpack[DecodeSettings],
) -> VerifyReport:
    """Check a stream from front to back: structure, CRCs, index and, with `decode`, that every frame decodes, to the encoder's pixels.

    `source` and `settings` (used with `decode`): as for `streamcodec.open`, without `on_damage`. Damage is in the report.
    Raises SourceError, CorruptStreamError or UnsupportedStreamError only if there is no usable header, a model is missing or the picture is
    too large to decode.
    """
    options = DecodeOptions(**settings)
    with input_file(source) as file:
        reader = Reader(file, on_damage="skip")
        walk = _Walk()
        decoding = None
        if decode:
            check_size(reader.header, options)
            decoding = _Decoding(
                PacketDecoder(codec_for(reader.header, options), reader.header, strict=False)
            )
        for item in reader.packets():
            walk.add(item)
            if decoding is not None and isinstance(item, Packet):
                decoding.add(item)
            if progress is not None:
                progress(walk.frames, None)
        return _report(walk, decoding, reader)


def _report(walk: _Walk, decoding: _Decoding | None, reader: Reader) -> VerifyReport:
    problems = [
        *walk.problems,
        *(damage.reason for damage in reader.index.damage if damage.reason not in walk.problems),
    ]
    if decoding is None:
        return VerifyReport(walk.frames, walk.gops, tuple(problems))
    if lost := walk.frames - decoding.frames:
        problems.append(f"{lost} of {walk.frames} frames do not decode")
    return VerifyReport(
        frames=walk.frames,
        gops=walk.gops,
        problems=tuple(problems),
        decoded=decoding.frames,
        exact_gops=decoding.exact_gops,
        inexact_gops=tuple(decoding.inexact_gops),
    )
