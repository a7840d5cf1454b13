"""Encodes that resume a killed one.

While a stream is written it lies under a hidden name beside the output. Part of that name is a hash of
all that the bytes depend on (contents of the source, range, settings, models, version): a later run
with the same ones finds it, however the first one ended. It takes the GOPs that are whole, decodes
their frames instead of coding them anew, checks that the writer would write the same bytes, and
continues from there.
"""

import contextlib
import hashlib
import io
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from streamcodec._version import __version__
from streamcodec.codec import Codec
from streamcodec.container import Packet, PacketHeader, PacketType, Reader
from streamcodec.container.format import VERSION
from streamcodec.errors import FormatError, OutputError, SourceError, UsageError
from streamcodec.files import (
    behind_links,
    check_target,
    is_named,
    open_output,
    put_in_place,
    temporary_beside,
    writing,
)
from streamcodec.identity import identify
from streamcodec.interrupts import Interrupts
from streamcodec.runtime import threads
from streamcodec.stream.options import EncodeOptions
from streamcodec.stream.source import SourceRange

try:
    import fcntl
except ImportError:  # Windows: two runs of the same encode are not told apart there
    fcntl = None  # type: ignore[assignment]

__all__ = ["Past", "resumable_output", "resume_key"]

KEY_DIGITS = 12
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)


@dataclass(frozen=True)
class Past:
    """What an earlier run left: the first `frames` frames, in `size_bytes` of a stream. `notes`: what to tell the user."""

    frames: int = 0
    size_bytes: int = 0
    part: Path | None = None
    notes: tuple[str, ...] = field(default=())

    def payloads(self) -> Iterator[bytes]:
        """Of these frames, in order."""
        if self.part is None or not self.frames:
            return
        left = self.frames
        with self.part.open("rb") as file:
            for item in Reader(file, on_damage="skip"):
                if left and isinstance(item, Packet) and item.type == PacketType.FRAME:
                    yield item.payload
                    left -= 1
                if not left:
                    return


def resume_key(
    source: object, source_range: SourceRange, options: EncodeOptions, codec: Codec
) -> str | None:
    """A hash of all that the bytes of a stream depend on; None for a source that cannot be read again."""
    if not is_named(source):
        return None
    try:
        identity = identify(source)
    except (SourceError, UsageError):
        return None
    models = [codec.intra, *([] if codec.inter is None else [codec.inter])]
    settings = asdict(options) | {
        "device": codec.encode_device_type,
        "precision": codec.precision,
        "preset": codec.preset,
        "intra": None,
        "inter": None,
    }
    what = {
        "source": [identity.size_bytes, identity.sha256],
        "range": asdict(source_range),
        "settings": settings,
        "models": [model.id.hex() for model in models],
        "threads": threads()
        if codec.frame_format == "rgb"
        else None,  # PyTorch's sums depend on it
        "version": [__version__, VERSION],
    }
    text = json.dumps(what, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_DIGITS]


@contextmanager
def resumable_output(
    out: str | os.PathLike[str] | BinaryIO, key: str | None, *, overwrite: bool, resume: bool
) -> Iterator[tuple[BinaryIO, Past]]:
    """As `open_output`, for a stream with this key, and what an earlier run left of it.

    With `resume` that is kept, and what this run writes is kept too if it fails; an error then has a
    note that says where. Raises UsageError where nothing can be resumed, or only a stream with
    another key.
    """
    if is_named(out) and key is not None:
        path = Path(out)
        check_target(path, overwrite=overwrite)
        part = temporary_beside(behind_links(path), key)
        with _kept_on_failure(part, path, key, overwrite, resume) as opened:
            if opened is not None:
                yield opened
                return
        if resume:
            raise OutputError(f"{path} is being written by another process; wait for its end")
    elif resume:
        raise UsageError(
            "only an encode of an ordinary file to a file can be resumed; leave out --resume (resume=)"
        )
    with open_output(out, overwrite=overwrite) as plain:
        yield plain, Past()


@contextmanager
def _kept_on_failure(
    part: Path, path: Path, key: str, overwrite: bool, resume: bool
) -> Iterator[tuple[BinaryIO, Past] | None]:
    """None if another process has the part. Ctrl-C waits until there is someone to remove what was made."""
    keeps, file = resume, None
    try:
        with Interrupts(lambda: None) as interrupts:
            file = _locked(part, path)
        interrupts.hand_on()
        if file is None:
            yield None
            return
        past = _past(file, part, key, resume)
        yield cast(BinaryIO, _Continued(file, past.size_bytes, part)), past
        with writing(path):
            file.flush()
            if fcntl is None:
                file.close()  # Windows renames no file that is open
        put_in_place(part, behind_links(path), overwrite=overwrite)
        keeps = True  # there is none any more
    except BaseException as error:
        if file is not None:
            with contextlib.suppress(OSError):
                file.flush()
        if file is not None and keeps and _size(part):
            error.add_note(f"what is done lies in {part}; encode with --resume continues it")
        else:
            keeps = False
        raise
    finally:
        if file is not None:
            with contextlib.suppress(OSError):
                if not keeps:
                    part.unlink()
            with contextlib.suppress(OSError):
                file.close()


def _past(file: BinaryIO, part: Path, key: str, resume: bool) -> Past:
    size = _size(part)
    if resume:
        if not size:
            _refuse_others(part, key)
        frames, size_bytes = _whole_gops(part)
        note = (
            f"went on from frame {frames} of an earlier run"
            if frames
            else "there was nothing to resume"
        )
        return Past(frames, size_bytes, part, (note,))
    if size:
        note = "an earlier run of the same encode was cut off; --resume would have continued it"
        return Past(notes=(note,))
    return Past()


def _whole_gops(part: Path) -> tuple[int, int]:
    """Frames and bytes of the GOPs that are whole: those before the last key frame of what is sound."""
    frames = size = 0
    with part.open("rb") as file, contextlib.suppress(FormatError):
        for item in Reader(file, on_damage="skip"):
            if not isinstance(item, Packet):
                break
            if item.type == PacketType.FRAME and item.key:
                frames = item.frame
    if not frames:
        return 0, 0
    with part.open("rb") as file:
        for header in Reader(file, on_damage="skip").headers():
            if (
                isinstance(header, PacketHeader)
                and header.type == PacketType.FRAME
                and header.frame == frames
            ):
                size = header.offset
                break
    return (frames, size) if size else (0, 0)


def _refuse_others(part: Path, key: str) -> None:
    """Raise UsageError if there is a part of the same output that was begun with something else."""
    head, tail = part.name.rsplit(key, 1)
    for other in part.parent.glob(f".*{tail}" if tail else ".*"):
        middle = other.name.removeprefix(head).removesuffix(tail)
        is_part = other.name.startswith(head) and len(middle) == KEY_DIGITS and middle.isalnum()
        if is_part and other != part and _size(other) and not _is_locked(other):
            with contextlib.suppress(OSError):
                part.unlink()
            raise UsageError(
                f"{other} was begun from another source, with other settings or by another version; "
                "give the same ones to go on with it, remove it, or leave out --resume to begin anew"
            )


def _size(path: Path) -> int:
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return 0


def _locked(part: Path, path: Path) -> BinaryIO | None:
    """The part, made if need be, open for reading and writing; None if another process has it."""
    for _ in range(3):
        with writing(path):
            _remove_links(part)
            file = os.fdopen(os.open(part, _FLAGS, 0o666), "r+b")
        if not _lock(file):
            file.close()
            return None
        with contextlib.suppress(OSError):
            found = os.fstat(file.fileno())
            if os.path.samestat(found, part.lstat()) and found.st_nlink == 1:
                return file
        file.close()  # it was renamed meanwhile: another process has finished it
    return None


def _remove_links(part: Path) -> None:
    """Remove what lies there and is another file too, a link, or none: what is written to it would change something else."""
    with contextlib.suppress(FileNotFoundError):
        found = part.lstat()
        is_file = stat.S_ISREG(found.st_mode) and found.st_nlink == 1
        if not is_file and not stat.S_ISDIR(found.st_mode):
            part.unlink()


def _lock(file: BinaryIO) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _is_locked(part: Path) -> bool:
    try:
        with part.open("rb") as file:
            return not _lock(file)
    except OSError:
        return True


class _Continued(io.RawIOBase):
    """Writes over the first `kept` bytes of a file by comparing them with what is there; cuts off what follows them."""

    def __init__(self, file: BinaryIO, kept: int, part: Path) -> None:
        self._file, self._left, self._part = file, kept, part
        if not kept:
            self._cut()

    def writable(self) -> bool:
        return True

    def write(self, data: "memoryview | bytes") -> int:  # type: ignore[override]
        view = memoryview(data)
        if self._left:
            known = self._file.read(min(len(view), self._left))
            if known != view[: len(known)] or not known:
                raise OutputError(
                    f"{self._part} cannot be resumed: this run would have written other bytes "
                    "(is the source another one, or FFmpeg?); remove it, or leave out --resume to begin anew"
                )
            self._left -= len(known)
            if not self._left:
                self._cut()
            return len(known)
        return self._file.write(view)

    def flush(self) -> None:
        if not self._left and not self._file.closed:
            self._file.flush()

    def _cut(self) -> None:
        with writing(self._part):
            self._file.seek(self._file.tell())
            self._file.truncate()
