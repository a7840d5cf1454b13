"""The command line: `streamcodec encode|decode|info|verify|models`.

Exit codes: 0 ok, 1 failure, 2 usage, 3 corrupt or unsupported stream, 130 interrupted.
"""

import os
import sys
from collections.abc import Sequence

from streamcodec.errors import StreamCodecError

__all__ = ["main"]

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit the process."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    import click

    from streamcodec.cli.app import app

    try:
        result = app.main(args=None if arguments is None else list(arguments), prog_name="streamcodec", standalone_mode=False)
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
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the reader went away: nothing more to say to it
        return 1
