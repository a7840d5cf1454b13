"""Which file this is, told without reading all of it."""

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from streamcodec.errors import SourceError, UsageError

__all__ = ["SourceIdentity", "identify"]

BLOCK_BYTES = 1 << 16
BLOCKS = 16  # 1 MiB in all; a smaller file is read whole


@dataclass(frozen=True)
class SourceIdentity:
    """Size, time of the last change (nanoseconds since 1970) and `sha256`, 64 hex digits, of 16 blocks of 64 KiB at equal distances, the
    first and the last bytes among them; of a file of at most 1 MiB, of all its bytes.

    A change in place that keeps the size and lies between the blocks is seen in `modified_ns` alone.
    """

    size_bytes: int
    modified_ns: int
    sha256: str

    def has_content_of(self, other: "SourceIdentity") -> bool:
        """Whether size and hash agree: copies of a file have times of their own."""
        return (self.size_bytes, self.sha256) == (other.size_bytes, other.sha256)


def identify(source: str | os.PathLike[str]) -> SourceIdentity:
    """The identity of an ordinary file. Raises UsageError if `source` is something else, SourceError if it cannot be read."""
    if not isinstance(source, (str, os.PathLike)):
        raise UsageError(
            f"source is a {type(source).__name__}; accepted: the path of a file that can be read several times"
        )
    path = Path(source)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(
                f"source is {path}; accepted: an ordinary file, which can be read several times"
            )
        digest = _hash(path, status.st_size)
    except (OSError, ValueError) as error:
        if isinstance(error, UsageError):
            raise
        raise SourceError(
            f"cannot open {path}: {getattr(error, 'strerror', None) or error}"
        ) from error
    return SourceIdentity(status.st_size, status.st_mtime_ns, digest)


def _hash(path: Path, size: int) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        if size <= BLOCKS * BLOCK_BYTES:
            digest.update(file.read())
        else:
            for block in range(BLOCKS):
                file.seek(block * (size - BLOCK_BYTES) // (BLOCKS - 1))
                digest.update(file.read(BLOCK_BYTES))
    return digest.hexdigest()
