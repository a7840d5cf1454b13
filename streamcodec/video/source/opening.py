"""Opening a source with FFmpeg: what may be opened, and how what goes wrong is said."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import av
from av.container import InputContainer

from streamcodec.errors import SourceError, StreamCodecError, UsageError
from streamcodec.file_objects import FileObject, can_seek, is_file_object
from streamcodec.files import STANDARD_STREAM, standard_input
from streamcodec.video.source.web import chunked_answer

__all__ = [
    "STREAM_START",
    "Source",
    "Tap",
    "at_its_position",
    "open_container",
    "reading",
    "source_name",
    "tapped",
]

Source = str | os.PathLike[str] | BinaryIO

_HEAD_BYTES = 4096
_TAIL_BYTES = 256
_Y4M = b"YUV4MPEG2"
_WEBP_MOVES = 2  # flag of an animation in a WebP file's VP8X chunk
STREAM_START = b"\x89SSF"  # of the magic in container/format.py

_NOT_VIDEO = ("tty",)  # FFmpeg renders text files as ANSI art


def source_name(source: Source) -> str:
    """How messages call the source."""
    if source == STANDARD_STREAM:
        return "standard input"
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source)
    name = str(getattr(source, "name", None) or "the file object")
    return "standard input" if name == "<stdin>" else name


@contextmanager
def reading(name: str, doing: str = "read") -> Iterator[None]:
    """Turn what FFmpeg and the operating system raise into a SourceError that names the source."""
    try:
        yield
    except StreamCodecError:  # of a file object; one is a ValueError too
        raise
    except (av.error.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError(f"cannot {doing} {name}: {reason}") from error


class Tap:
    """A pipe that keeps its first and last bytes in sight and counts how many came through: FFmpeg tells none of it.

    `failure`: why it broke off, in words. For FFmpeg it ends there, so that what came before can be decoded.
    """

    def __init__(self, pipe: Any, name: str | None = None) -> None:
        self._pipe = FileObject(pipe)
        self.name = self._pipe.name = name or self._pipe.name
        self.size = 0
        self.failure: str | None = None
        self.head = self.tail = b""
        while (
            len(self.head) < _HEAD_BYTES
            and not self.head.startswith(_Y4M)  # may be a camera's: what is there is used
            and (data := self._more(_HEAD_BYTES - len(self.head)))
        ):
            self.head += data
        self._ahead = self.head

    @property
    def has_index_behind(self) -> bool:
        """Whether it is an MP4 or MOV file whose samples come before their index, as far as its first bytes tell."""
        at = 0
        while self.head[at + 4 : at + 8] in (b"ftyp", b"free", b"skip", b"wide", b"uuid"):
            at += max(int.from_bytes(self.head[at : at + 4], "big"), 8)
        return self.head[4:8] == b"ftyp" and self.head[at + 4 : at + 8] == b"mdat"

    def read(self, size: int) -> bytes:
        data = self._ahead or self._more(size)
        data, self._ahead = data[:size], data[size:]
        self.size += len(data)
        self.tail = (self.tail + data[-_TAIL_BYTES:])[-_TAIL_BYTES:]
        return data

    def _more(self, size: int) -> bytes:
        try:
            return self._pipe.read1(size)
        except SourceError as error:
            if not self.head:
                raise
            self.failure = str(error)
            return b""


def tapped(source: Source) -> Any:
    """The source, through a Tap if it is standard input, a file object that cannot seek or a URL whose answer comes in chunks; another
    file object as a FileObject.
    """
    answer = chunked_answer(source) if isinstance(source, str) else None
    if answer is not None:
        return Tap(answer, source_name(source))
    file = standard_input() if source == STANDARD_STREAM else source
    if isinstance(file, (str, os.PathLike)) or not is_file_object(file):
        return source  # a path, or nothing that can be opened
    if can_seek(file):
        return source if source == STANDARD_STREAM else FileObject(file)
    with reading(source_name(source)):
        if source == STANDARD_STREAM:
            file = getattr(
                file, "raw", file
            )  # whose buffer has a lock: a thread that waits in it would end the process with an error
        return Tap(file)


def open_container(source: Source) -> InputContainer:
    """The container behind a path, a URL, a binary file object or "-". Raises SourceError if it has no media, UsageError for text."""
    if not isinstance(source, (str, os.PathLike)) and not is_file_object(source):
        raise UsageError(
            f"source is a {type(source).__name__}; accepted: a path or a binary file object"
        )
    name = source_name(source)
    with reading(name, "open as a video"):
        target = _target(source, name)
    head = _first_bytes(source)
    if head.startswith(b"RIFF") and head[8:16] == b"WEBPVP8X" and head[20] & _WEBP_MOVES:
        raise SourceError(
            f"{name} is an animated WebP picture, which FFmpeg does not read; convert it to GIF, APNG or a video; "
            "`streamcodec image encode` takes its first picture"
        )
    if head.startswith(STREAM_START):
        raise SourceError(
            f"{name} is an .ssf stream already; decode it first (`streamcodec decode IN.ssf x.mkv --codec ffv1` keeps every pixel), "
            "then encode that"
        )
    with reading(name, "open as a video"):
        container: InputContainer = av.open(target, "r", metadata_errors="replace")
    if container.format.name in _NOT_VIDEO:
        container.close()
        raise SourceError(f"{name} is a text file; accepted: any video that FFmpeg reads")
    return container


def _target(source: Source, name: str) -> Any:
    if source == STANDARD_STREAM:
        return standard_input()
    if not isinstance(source, (str, os.PathLike)):
        return source
    if "://" in name:
        return name
    path = Path(name)
    if path.is_dir():
        raise SourceError(f"{name} is a folder; name one video file")
    if not path.exists():
        raise SourceError(f"{name} does not exist")
    if path.is_file() and path.stat().st_size == 0:
        raise SourceError(f"{name} is empty")
    return f"file:{path}"  # so that a colon in the name is not a protocol


def _first_bytes(source: Any) -> bytes:
    """Of an ordinary file, a file object or a tapped pipe, whose position stays; none of a URL or a named pipe."""
    if isinstance(source, Tap):
        return source.head
    file = standard_input() if source == STANDARD_STREAM else source
    with suppress(OSError):
        if not isinstance(file, (str, os.PathLike)):
            with at_its_position(file):
                return bytes(file.read(_HEAD_BYTES))
        if Path(file).is_file():
            with Path(file).open("rb") as opened:
                return opened.read(_HEAD_BYTES)
    return b""


@contextmanager
def at_its_position(file: BinaryIO) -> Iterator[BinaryIO]:
    """The file, to be read in; behind the block it stands where it stood."""
    position = file.tell()
    try:
        yield file
    finally:
        file.seek(position)
