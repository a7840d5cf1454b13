"""One driver at a time: a lock that ends with its process, however that ends."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streamcodec.errors import OutputError
from streamcodec.files import writing

__all__ = ["driver_lock", "here"]


def here() -> str:
    """This process, for people: "pid 123 on host"."""
    return f"pid {os.getpid()} on {socket.gethostname()}"


@contextmanager
def driver_lock(what: Path, name: object = None) -> Iterator[None]:
    """Hold `<what>.lock`, which says who holds it. Raises OutputError that names the process if
    another one does.

    `name`: how messages call what is locked; None = the path.
    """
    path = what.with_name(what.name + ".lock")
    with writing(path):
        file = path.open("a+")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise OutputError(
                f"{name or what} is in use by {file.read().strip() or 'another process'}; wait for it, or end it"
            ) from error
        with writing(path):
            file.truncate(0)
            file.write(here())
            file.flush()
        yield
