"""Times on their way through an encoder, which puts packets into another order and keeps no durations."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

__all__ = ["PacketTimer"]


class PacketTimer:
    """Takes every frame's time when it goes in and puts it on the packet that comes out. All in ticks of the video's time base.

    `sums_durations`: MP4 stores durations in decoding order, so the last packet gets what makes their sum the length of the video.
    """

    def __init__(self, *, sums_durations: bool) -> None:
        self._sums_durations = sums_durations
        self._durations: dict[int, int] = {}
        self._first_pts: int | None = None
        self._first_dts: int | None = None
        self.shift = self._end = 0  # ticks by which everything moves
        self._held: Packet[VideoStream] | None = None

    def admit(self, pts: int, duration: int) -> int:
        """The pts that the encoder gets: the frame's own, or moved as a whole if the first one is below 0, which players cut off."""
        if self._first_pts is None:
            self.shift = max(0, -pts)
            self._first_pts = pts + self.shift
        pts += self.shift
        self._end = pts + duration
        if duration:
            self._durations[pts] = duration
        return pts

    def release(self, packet: "Packet[VideoStream]") -> "Packet[VideoStream] | None":
        """The packet before this one, ready to be written."""
        if packet.pts in self._durations:
            packet.duration = self._durations.pop(packet.pts)
        if self._first_dts is None:
            self._first_dts = packet.dts
        ready, self._held = self._held, packet
        return ready

    def release_last(self) -> "Packet[VideoStream] | None":
        """The last packet."""
        packet = self._held
        if (
            packet
            and self._sums_durations
            and packet.dts is not None
            and self._first_dts is not None
            and self._first_pts is not None
        ):
            packet.duration = max(1, self._end - self._first_pts - (packet.dts - self._first_dts))
        return packet
