"""Files behind URLs, read through fsspec: by ranges of bytes where their server gives them, else front to back."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Final, cast

from streamcodec.errors import NotInstalledError, SourceError, StreamCodecError, UsageError
from streamcodec.file_objects import Spool

__all__ = ["RemoteFile", "filesystem", "is_url", "without_secrets"]

_URL: Final = re.compile(r"([a-zA-Z][\w+.-]*://)(?:[^\s/'\"@]*@)?([^\s'\"?]*)(\?[^\s'\")]*)?")


def is_url(text: str) -> bool:
    return "://" in text


def without_secrets(text: str) -> str:
    """The text without what the URLs in it may keep secret: user and password, and the query, which signs a link."""
    return _URL.sub(lambda found: found[1] + found[2] + ("?..." if found[3] else ""), text)


def filesystem(url: str) -> tuple[Any, str]:
    """The fsspec file system of a URL, and the path in it.

    Raises NotInstalledError without fsspec or the package that it takes for this protocol, UsageError
    for a protocol that it does not know and a URL that is not whole, SourceError if it cannot be reached.
    """
    name = without_secrets(url)
    try:
        import fsspec
    except ImportError as error:
        raise NotInstalledError(
            f"{name} takes fsspec: pip install 'streamcodec[remote]' (for s3:// also s3fs, for gs:// gcsfs)"
        ) from error
    try:
        found, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise NotInstalledError(f"{name} takes a package that is not installed: {error}") from None
    except OSError as error:
        raise SourceError(f"cannot open {name}: {_reason(error)}") from None
    except Exception as error:  # each protocol has errors of its own, TypeError among them
        raise UsageError(f"{name}: {_reason(error)}") from None
    return found, str(path)


class RemoteFile:
    """A file behind a URL that can seek. Fetches what is read, and nothing else; from a server that gives no ranges, all that comes before.

    `name`: the URL without its secrets. Raises SourceError for whatever fails, as `filesystem` does.
    """

    ahead_bytes = 1 << 20
    """To ask for at once where all of a range will be read: a request takes longer than its bytes."""

    def __init__(self, url: str) -> None:
        self.name = without_secrets(url)
        self._files, self._path = filesystem(url)
        with self._failing("open"):
            self._file = self._files.open(self._path, "rb", cache_type="none")
        try:
            self._file.seek(0, 2)
            self._file.seek(0)
        except (OSError, ValueError):
            self._file = Spool(self._file)

    @property
    def comes_once(self) -> bool:
        """Whether the server gives no ranges, so that what is read is kept."""
        return isinstance(self._file, Spool)

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        with self._failing("read"):
            return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def read(self, size: int = -1) -> bytes:
        """`size` bytes, fewer only at the end; -1 = all that is left."""
        with self._failing("read"):
            at = self._file.tell()
            try:
                return bytes(self._file.read(size))
            except ValueError:  # it was asked for a range, and gave the whole
                if isinstance(self._file, Spool):
                    raise
            self._file.close()
            self._file = Spool(cast(BinaryIO, self._files.open(self._path, "rb", block_size=0)))
            self._file.seek(at)
            return bytes(self._file.read(size))

    def close(self) -> None:
        self._file.close()

    @contextmanager
    def _failing(self, verb: str) -> Iterator[None]:
        """The error beneath tells the URL with its secrets: it is left out."""
        try:
            yield
        except (StreamCodecError, MemoryError):
            raise
        except Exception as error:
            raise SourceError(f"cannot {verb} {self.name}: {_reason(error)}") from None


def _reason(error: BaseException) -> str:
    """What fsspec says, or what made it say nothing but the URL."""
    cause = error.__cause__ or error
    said = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    if hasattr(cause, "status") and hasattr(cause, "message"):  # of a server's answer
        said = f"{cause.status} {cause.message}"
    return without_secrets(said)
