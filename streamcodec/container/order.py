"""The rules that hold between packets: the writer refuses to break them, the reader reports where they are broken."""

from streamcodec.container.header import Header
from streamcodec.container.packet import PacketFields, PacketType

__all__ = ["Order"]

_FRAME = PacketType.FRAME
_GOP_HASH = PacketType.GOP_HASH
_ENDS = frozenset({PacketType.GOP_HASH, PacketType.INDEX, PacketType.END})
"""Of a GOP, beside the next key frame."""


class Order:
    """Follows a stream packet by packet, from the key frame with number `frame` that starts GOP number `gop`."""

    def __init__(self, header: Header, *, gop: int = 0, frame: int = 0) -> None:
        self._tracks: dict[int, frozenset[int]] = {
            PacketType.FRAME: frozenset({0}),
            PacketType.GOP_HASH: frozenset({0}),
            PacketType.AUDIO: frozenset(track.number for track in header.audio_tracks),
            PacketType.SUBTITLE: frozenset(track.number for track in header.subtitle_tracks),
        }
        self._gop = gop - 1
        self._frame = frame - 1
        self._pts: int | None = None
        self._gap_allowed = False
        self._most_b_frames = header.b_frames
        self._b_frames = 0  # in a row, up to the last frame

    @property
    def next_frame(self) -> int:
        """Number that the next frame must have."""
        return self._frame + 1

    def allow_gap(self) -> None:
        """Accept that numbers are missing before the next frame."""
        self._gap_allowed = True

    def check(self, packet: PacketFields) -> str | None:
        """Take the next packet, or tell why it may not come here; then it is not taken."""
        tracks = self._tracks.get(packet.type)
        if tracks is not None and packet.track not in tracks:
            return f"packet of type {packet.type} has track {packet.track}; the header has no such track"
        if packet.type == _FRAME:
            return self._check_frame(packet)
        if packet.type in _ENDS and (problem := self.ends_early()):
            return problem
        if packet.type == _GOP_HASH and packet.gop != self._gop and not self._gap_allowed:
            return f"hash of GOP {packet.gop} comes in GOP {self._gop}"
        return None

    def ends_early(self) -> str | None:
        """Tell why no GOP may end behind the last packet."""
        if self._b_frames == 0 or self._gap_allowed:
            return None
        return f"frame {self._frame} is a B-frame and the last of GOP {self._gop}; must have an I- or P-frame behind it"

    def _check_frame(self, frame: PacketFields) -> str | None:
        b_frames = self._in_a_row(frame)
        problem = self._falls(frame) or self._is_no_b_frame(frame, b_frames)
        if problem is None and not self._gap_allowed:
            problem = self._jumps(frame)
        if problem is None:
            self._gop, self._frame, self._pts, self._gap_allowed, self._b_frames = (
                frame.gop,
                frame.frame,
                frame.pts,
                False,
                b_frames,
            )
        return problem

    def _in_a_row(self, frame: PacketFields) -> int:
        if not frame.b_frame:
            return 0
        return 1 + (self._b_frames if frame.frame == self.next_frame else 0)

    def _is_no_b_frame(self, frame: PacketFields, in_a_row: int) -> str | None:
        if frame.b_frame and frame.key:
            return f"key frame {frame.frame} is a B-frame; must be an I-frame"
        if in_a_row > self._most_b_frames:
            return f"frame {frame.frame} is B-frame {in_a_row} in a row; the header says {self._most_b_frames} at most"
        return None

    def _falls(self, frame: PacketFields) -> str | None:
        if frame.frame <= self._frame:
            return f"frame {frame.frame} comes after frame {self._frame}; numbers must rise"
        if self._pts is not None and frame.pts <= self._pts:
            return f"frame {frame.frame} has pts {frame.pts} after pts {self._pts}; they must rise"
        if frame.gop < self._gop + frame.key:
            return f"{_kind(frame)} {frame.frame} of GOP {frame.gop} comes after a frame of GOP {self._gop}"
        return None

    def _jumps(self, frame: PacketFields) -> str | None:
        if frame.frame != self.next_frame:
            return f"frames {self.next_frame}..{frame.frame - 1} are missing"
        if frame.gop != self._gop + frame.key:
            return f"{_kind(frame)} {frame.frame} has GOP {frame.gop}; must be {self._gop + frame.key}, for a key frame starts every GOP"
        return self.ends_early() if frame.key else None


def _kind(frame: PacketFields) -> str:
    return "key frame" if frame.key else "frame"
