"""Do the frames of a stream decode, and to the encoder's pixels?"""

from streamcodec.codec import GopDigest
from streamcodec.container import Losses, Packet, PacketType
from streamcodec.stream.reading.decoder import PacketDecoder

__all__ = ["PixelCheck"]


class PixelCheck:
    """Decodes the packets that go by and compares each GOP with its hash. `losses` is told which frames decode."""

    def __init__(self, decoder: PacketDecoder, losses: Losses) -> None:
        self._decoder = decoder
        self._losses = losses
        self._digest = GopDigest()
        self._undecoded = 0  # frames of the GOP
        self.frames = 0
        self.exact_gops = 0
        self.inexact_gops: list[int] = []

    def add(self, packet: Packet) -> None:
        """The next packet."""
        if packet.type == PacketType.FRAME:
            self._add_frame(packet)
        elif packet.type == PacketType.GOP_HASH and not self._undecoded:
            if self._digest.digest() == packet.payload:
                self.exact_gops += 1
            else:
                self.inexact_gops.append(packet.gop)

    def _add_frame(self, packet: Packet) -> None:
        if packet.key:
            self._digest, self._undecoded = GopDigest(), 0
        self._undecoded += 1
        for decoded, frame in self._decoder.decode(packet):
            self._undecoded -= 1
            self.frames += 1
            self._losses.found(decoded.frame)
            self._digest.add(frame.planes())
