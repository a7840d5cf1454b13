"""Encoding with low latency: each frame is coded and written before the next one is asked for."""

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NoReturn

from streamcodec.container import Writer
from streamcodec.errors import SourceError
from streamcodec.files import is_named, open_visible_output
from streamcodec.interrupts import Interrupts
from streamcodec.stream.coding import Tally, coded, write_step
from streamcodec.stream.encoder import Encoder
from streamcodec.stream.source import FrameSource
from streamcodec.stream.stages import Progress, overlapped
from streamcodec.stream.tracks.interleave import Interleaver
from streamcodec.text import counted

__all__ = ["write_live"]


def write_live(
    encoder: Encoder,
    source: FrameSource,
    sound: Interleaver,
    out: str | os.PathLike[str] | BinaryIO,
    progress: Progress | None,
    *,
    overwrite: bool,
    psnr: bool,
) -> tuple[Tally, Writer]:
    """Code all frames into `out`, a path that has its name from the beginning, "-" or a file.

    The stream is finished in any case: when the source ends, when it fails, and at the first
    SIGINT, SIGTERM or SIGHUP, which end a source without an end. Of a source that fails before its
    first frame nothing is left. Raises SourceError, OutputError, and KeyboardInterrupt or SystemExit
    for a signal, with a note on what was written.
    """
    with open_visible_output(out, overwrite=overwrite) as file:
        writer, tally = Writer(file, encoder.header), Tally()
        writer.flush()
        try:
            with (
                Interrupts(lambda: None) as interrupts,
                overlapped(source, until=lambda: interrupts.number is not None) as frames,
            ):
                for step in coded(encoder, frames, measure=psnr, sound=sound):
                    tally.add(step)
                    write_step(writer, step)
                    if progress is not None:
                        progress(tally.frames, source.estimated_frames)
            if tally.frames == 0 and interrupts.number is None:
                raise SourceError("the source has no frames in the range that was asked for")
            writer.finish()
        except SourceError as error:
            if tally.frames:
                for packet in encoder.flush():
                    writer.write(packet)
                writer.finish()
                error.add_note(_kept(out, tally, encoder))
            elif is_named(out):
                with suppress(OSError):
                    Path(out).unlink()
            raise
    if interrupts.number is not None:
        _end(interrupts.number, _kept(out, tally, encoder))
    return tally, writer


def _kept(out: object, tally: Tally, encoder: Encoder) -> str:
    name = f"{out}" if is_named(out) else "the stream"
    found = f"{counted(tally.frames, 'frame')} in {counted(encoder.gops, 'GOP')}"
    return f"{name} is complete up to there: {found}"


def _end(number: int, note: str) -> NoReturn:
    ending = KeyboardInterrupt() if number == signal.SIGINT else SystemExit(128 + number)
    ending.add_note(note)
    raise ending
