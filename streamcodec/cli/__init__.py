"""The command line: `streamcodec
encode|search|decode|play|image|info|verify|repair|cut|concat|models|import-checkpoint|train|transcode|evaluate|compare`.

Exit codes: 0 ok, 1 failure, 2 usage, 3 corrupt or unsupported stream, 4 some files of several
failed, or part of a stream that was repaired is lost, 130 interrupted, 143 told to end.
"""

import contextlib
import io
import os
import sys
import threading
from collections.abc import Sequence

from streamcodec.errors import StreamCodecError
from streamcodec.interrupts import STAGE, end_tidily
from streamcodec.text import MOST_CHARACTERS, shown

__all__ = ["main"]

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit the process."""
    end_tidily()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a locale may lack the characters of a name
            stream.reconfigure(errors="backslashreplace")
    try:
        code: str | int | None = run(arguments)
    except SystemExit as ending:  # of a signal
        code = ending.code
    except KeyboardInterrupt:  # while what the command line needs was imported
        sys.stderr.write("streamcodec: interrupted\n")
        code = INTERRUPTED
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:  # Python would end with 120
        code = code or _lost_output(error)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # takes what is still buffered
    _end_threads(code)
    sys.exit(code)


def _end_threads(code: str | int | None) -> None:
    """End the process at once if a stage still waits in a library, for a source that gives no more.

    Python would end that thread in the middle of C++, which aborts the process.
    """
    if any(thread.name == STAGE for thread in threading.enumerate()):
        with contextlib.suppress(OSError, AttributeError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    import click

    from streamcodec.cli.app import app
    from streamcodec.cli.common import of_command_line, say

    try:
        result = app.main(
            args=None if arguments is None else list(arguments),
            prog_name="streamcodec",
            standalone_mode=False,
        )
        return result if isinstance(result, int) else 0
    except click.ClickException as error:
        error.message = shown(error.message, MOST_CHARACTERS)  # type: ignore[misc]
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort) as error:
        left = _notes_of(error) or ["nothing was left half-written"]
        say(f"streamcodec: interrupted; {'; '.join(left)}", err=True)
        return INTERRUPTED
    except StreamCodecError as error:
        lines = [f"streamcodec: {error}", *_notes_of(error)]
        say(*map(of_command_line, lines), err=True)
        return error.exit_code
    except (ImportError, MemoryError) as error:
        say(f"streamcodec: {_what_failed(error)}", err=True)
        return 1
    except OSError as error:  # of standard output; those of named files are StreamCodecErrors
        return _lost_output(error)


def _lost_output(error: OSError) -> int:
    """Say why standard output cannot be written, unless its reader went away by itself."""
    from streamcodec.cli.common import say

    if not isinstance(error, BrokenPipeError):
        say(f"streamcodec: cannot write standard output: {error.strerror or error}", err=True)
    return 1


def _notes_of(error: BaseException) -> list[str]:
    """What was noted on the way: of an interrupt that click has wrapped, on what it wraps."""
    cause = error.__cause__ if isinstance(error.__cause__, KeyboardInterrupt) else error
    return list(getattr(cause, "__notes__", ()))


def _what_failed(error: ImportError | MemoryError) -> str:
    """Of an import, which fails where libraries find no room, as under a `ulimit -v`; or of the
    memory itself."""
    if isinstance(error, MemoryError):
        return f"memory ran out ({error})" if str(error) else "memory ran out"
    first: BaseException = error
    while isinstance(first.__cause__, ImportError):
        first = first.__cause__  # numpy's own is a page of advice
    return f"cannot load a library: {first}; memory is short, or a package is not whole: install streamcodec anew"
