"""Where frames go: y4m (a file or standard output) and a folder of PNG pictures. (`muxer` is the third sink.)

y4m: a "YUV4MPEG2" line with size, rate, aspect and range, then for each frame the line "FRAME" and its planes, 4:2:0 with chroma on the
left. It has a constant rate and neither timestamps nor a matrix: frames follow each other at the nominal frame rate.
"""

import contextlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np

from streamcodec.errors import OutputError
from streamcodec.files import check_target, standard_output, temporary_beside, writing
from streamcodec.types import RawFrame, VideoFormat
from streamcodec.video.color import Plane, rgb_of, yuv420_of

__all__ = ["PNG_NAME", "FrameSink", "PngSink", "Y4mSink", "replace_folder_on_success"]

PNG_NAME = "frame_{:06d}.png"
_PNG_PATTERN = "frame_[0-9][0-9][0-9][0-9][0-9][0-9]*.png"
_DEFAULT_RATE = Fraction(25)
_ODD_STEP = Fraction(1, 2)
"""Of a frame: what coarse ticks make of a constant rate is less."""


class FrameSink(Protocol):
    """`finish` completes the output, `discard` lets go of it; one of them is called once."""

    def write(self, frame: RawFrame) -> None: ...
    def finish(self) -> None: ...
    def discard(self) -> None: ...


class Y4mSink:
    """Writes y4m to `path`, or to standard output if that is None. `notes`: what was lost. Raises OutputError if it cannot."""

    def __init__(self, path: Path | None, video: VideoFormat) -> None:
        self._name, self._color, self._owned = (
            path or "standard output",
            video.color,
            path is not None,
        )
        with writing(self._name):
            self._file: BinaryIO = standard_output() if path is None else path.open("wb")
        self._rate, self._time_base = video.frame_rate or _DEFAULT_RATE, video.time_base
        self._pts: int | None = None
        self.notes: tuple[str, ...] = ()
        self._put(_y4m_header(video))

    def write(self, frame: RawFrame) -> None:
        """A reader of standard output gets the frame now, not when a buffer is full."""
        if self._pts is not None:
            steps = (frame.pts - self._pts) * self._time_base * self._rate
            if abs(steps - 1) > _ODD_STEP:
                rate = f"{float(self._rate):.6g} fps"
                self.notes = (
                    f"y4m has no times: all frames follow at {rate}, which is not their own pace",
                )
        self._pts = frame.pts
        self._put(b"FRAME\n", *yuv420_of(frame, self._color))
        if not self._owned:
            with writing(self._name):
                self._file.flush()

    def _put(self, *parts: bytes | Plane) -> None:
        with writing(self._name):
            for part in parts:
                self._file.write(
                    part if isinstance(part, bytes) else np.ascontiguousarray(part).data
                )

    def finish(self) -> None:
        with writing(self._name):
            self._file.flush()
            if self._owned:
                self._file.close()

    def discard(self) -> None:
        if self._owned:
            with contextlib.suppress(OSError):
                self._file.close()


def _y4m_header(video: VideoFormat) -> bytes:
    rate, aspect = video.frame_rate or _DEFAULT_RATE, video.sample_aspect_ratio
    shape = f"W{video.width} H{video.height} F{rate.numerator}:{rate.denominator} Ip A{aspect.numerator}:{aspect.denominator}"
    return f"YUV4MPEG2 {shape} C420mpeg2 XCOLORRANGE={'FULL' if video.color.full_range else 'LIMITED'}\n".encode()


class PngSink:
    """Writes frame_000000.png and so on, 8-bit RGB, into an existing folder. Raises OutputError if it cannot."""

    def __init__(self, folder: Path, video: VideoFormat) -> None:
        self._folder, self._color, self._count = folder, video.color, 0

    def write(self, frame: RawFrame) -> None:
        from streamcodec.video.pictures import to_png

        target = self._folder / PNG_NAME.format(self._count)
        with writing(target):
            target.write_bytes(to_png(rgb_of(frame, self._color)))
        self._count += 1

    def finish(self) -> None:
        """Nothing is left to do."""

    def discard(self) -> None:
        """The folder's owner removes it."""


@contextmanager
def replace_folder_on_success(folder: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give a temporary folder beside `folder`; it becomes `folder` if the block succeeds and is removed if not.

    If `folder` exists, its pictures (and nothing else in it) are replaced. Raises OutputError if it is a file, or holds anything without
    `overwrite`, or if its parent cannot be written.
    """
    with writing(folder):
        exists, is_file = folder.is_dir(), folder.is_file()
    if is_file:
        raise OutputError(
            f"{folder} is a file; name a folder for PNG pictures, or a video with a suffix such as .mp4"
        )
    if not exists:
        check_target(folder, overwrite=False)
    elif not overwrite and any(folder.iterdir()):
        raise OutputError(
            f"{folder} is not empty; overwrite the pictures in it with -y (overwrite=True) or name another folder"
        )
    _check_pictures(folder)
    part = temporary_beside(folder)
    with writing(folder):
        part.mkdir()
    try:
        yield part
        with writing(folder):
            if not overwrite and folder.is_dir() and any(folder.iterdir()):
                raise OutputError(
                    f"{folder} is not empty any more: it was written meanwhile, and is kept"
                )
            _move_pictures(part, folder) if exists else part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _check_pictures(folder: Path) -> None:
    """Raise OutputError if a folder has the name of a picture that is to be replaced."""
    for path in folder.glob(_PNG_PATTERN):
        if path.is_dir() and not path.is_symlink():
            raise OutputError(f"{path} is a folder, and would be a picture; rename it")


def _move_pictures(part: Path, folder: Path) -> None:
    """New ones over old ones, then those go that are left of the old: at no time is there neither."""
    _check_pictures(folder)
    old = {path.name for path in folder.glob(_PNG_PATTERN)}
    for new in sorted(part.iterdir()):
        new.replace(folder / new.name)
        old.discard(new.name)
    for name in old:
        (folder / name).unlink()
