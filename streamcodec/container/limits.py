"""How much a stream may hold: checked before memory is taken for it, and settable, for files from strangers."""

from dataclasses import dataclass, fields
from typing import NoReturn

from streamcodec.checks import check_count
from streamcodec.container.format import MAX_PAYLOAD_SIZE
from streamcodec.errors import UnsupportedStreamError
from streamcodec.tracks import MAX_TRACKS

__all__ = ["DEFAULT_LIMITS", "Limits"]


@dataclass(frozen=True)
class Limits:
    """The most that is read of one stream; beyond it an UnsupportedStreamError tells which limit to raise.

    `packets`, `frames` and `gops` of the stream (a GOP takes 48 bytes of memory); `payload_bytes` of
    one packet; `concealed` frames that stand for lost ones; `tracks` (sound and subtitles) and
    `tags` (pairs of metadata) of the header. The format itself allows no more than 2^28 bytes of
    payload and 64 tracks.
    """

    packets: int = 1 << 32
    frames: int = 1 << 31
    gops: int = 1 << 24
    payload_bytes: int = MAX_PAYLOAD_SIZE
    concealed: int = 1 << 20
    tracks: int = MAX_TRACKS
    tags: int = 4096

    def __post_init__(self) -> None:
        for field in fields(self):
            check_count(f"limit of {field.name}", getattr(self, field.name), field.name, at_least=0)

    def check(self, name: str, count: int) -> None:
        """Raise UnsupportedStreamError if `count` is above the limit with this name."""
        if count > getattr(self, name):
            self.refuse(name, count)

    def refuse(self, name: str, count: int) -> NoReturn:
        """Raise the error of a count that is above its limit."""
        raise UnsupportedStreamError(
            f"the stream has {count} {name.replace('_', ' ')} or more; accepted: up to "
            f"{getattr(self, name)}; if you trust it, allow more with --limit {name}=N (limits=)"
        )


DEFAULT_LIMITS = Limits()
