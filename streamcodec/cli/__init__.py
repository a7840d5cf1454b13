"""The command line: `streamcodec encode|search|decode|image|info|verify|models|import-checkpoint|train|transcode|evaluate`.

Exit codes: 0 ok, 1 failure, 2 usage, 3 corrupt or unsupported stream, 4 some files of several failed, 130 interrupted, 143 told to end.
"""

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Never

from streamcodec.errors import StreamCodecError

__all__ = ["main"]

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit the process."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if (
            number is not None and signal.getsignal(number) == signal.SIG_DFL
        ):  # nohup has it ignored
            signal.signal(number, _end)
    sys.exit(run(arguments))


def _end(number: int, _: FrameType | None) -> Never:
    """Unwind, so that what is half-written goes away."""
    raise SystemExit(128 + number)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    import click

    from streamcodec.cli.app import app

    try:
        result = app.main(
            args=None if arguments is None else list(arguments),
            prog_name="streamcodec",
            standalone_mode=False,
        )
        return result if isinstance(result, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        print("streamcodec: interrupted; nothing was left half-written", file=sys.stderr)
        return INTERRUPTED
    except StreamCodecError as error:
        print(f"streamcodec: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:  # of standard output; those of named files are StreamCodecErrors
        if not isinstance(error, BrokenPipeError):  # with that the reader went away by itself
            print(
                f"streamcodec: cannot write standard output: {error.strerror or error}",
                file=sys.stderr,
            )
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # takes what is still buffered
        return 1
