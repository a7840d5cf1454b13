"""Opening a source with FFmpeg: what may be opened, which stream is the video, and how what goes wrong is said."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from streamcodec.errors import SourceError, UsageError
from streamcodec.files import STANDARD_STREAM, standard_input

__all__ = ["Source", "open_container", "pick_video", "reading", "source_name"]

Source = str | os.PathLike[str] | BinaryIO

_NOT_VIDEO = ("tty",)  # FFmpeg renders text files as ANSI art
_ATTACHED_PICTURE = 0x400  # disposition of a cover image


def source_name(source: Source) -> str:
    """How messages call the source."""
    if source == STANDARD_STREAM:
        return "standard input"
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source)
    return str(getattr(source, "name", "the file object"))


@contextmanager
def reading(name: str, doing: str = "read") -> Iterator[None]:
    """Turn what FFmpeg and the operating system raise into a SourceError that names the source."""
    try:
        yield
    except (av.error.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError(f"cannot {doing} {name}: {reason}") from error


def open_container(source: Source) -> InputContainer:
    """The container behind a path, a URL, a binary file object or "-". Raises SourceError if it has no media, UsageError for text."""
    if isinstance(source, io.TextIOBase):
        raise UsageError(f"source is a {type(source).__name__}; accepted: a path or a binary file object")
    name = source_name(source)
    with reading(name, "open as a video"):
        container: InputContainer = av.open(_target(source, name), "r", metadata_errors="replace")
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
    return f"file:{path}"  # so that a colon in the name is no protocol


def pick_video(container: InputContainer, name: str) -> VideoStream:
    """The first video stream that is not a cover image and that can be decoded. Raises SourceError if there is none."""
    videos = [stream for stream in container.streams.video if not stream.disposition.value & _ATTACHED_PICTURE]
    if not videos:
        others = sorted({stream.type for stream in container.streams})
        raise SourceError(f"{name} has no video stream (it holds: {', '.join(others) or 'nothing'})")
    for stream in videos:
        if stream.codec_context is not None:
            return stream
    raise SourceError(f"{name}: FFmpeg has no decoder for its video stream")
