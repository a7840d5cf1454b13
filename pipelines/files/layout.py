"""Where a job's outputs, its folder of work and its state lie."""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from streamcodec.errors import OutputError, UsageError
from streamcodec.files import writing
from streamcodec.remote import filesystem, is_url

from .locations import local_path, location_of
from .storage import WORK_FOLDER, clear_temporaries

__all__ = ["Places"]

MARK = "driver-"


@dataclass(frozen=True)
class Places:
    """`out`: location of the folder of outputs. `work`: of the folder below it that workers share.
    `state`: the driver's own folder, on a disk of its machine: the manifest, the log and the
    report."""

    out: str
    work: str
    state: Path

    @classmethod
    def of(
        cls, out: str | os.PathLike[str], state: str | os.PathLike[str] | None = None
    ) -> "Places":
        """`out`: a folder or a URL. `state`: None is the folder of work or, where that is no
        folder, one in the user's home directory."""
        if not os.fspath(out):
            raise UsageError("the destination is empty; accepted: a folder or a URL")
        location = os.fspath(out) if is_url(os.fspath(out)) else location_of(out)
        path = local_path(location)
        if path is not None:
            return cls(
                location,
                location_of(Path(path, WORK_FOLDER)),
                Path(state or Path(path, WORK_FOLDER)),
            )
        home = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
        name = blake2b(location.rstrip("/").encode(), digest_size=8).hexdigest()
        return cls(
            location,
            f"{location.rstrip('/')}/{WORK_FOLDER}",
            Path(state or home / "streamcodec" / name),
        )

    @property
    def manifest(self) -> Path:
        return self.state / "manifest.sqlite"

    def make(self) -> None:
        """Make the folders that are missing. Raises OutputError."""
        work = local_path(self.work)
        for folder in (self.state, *([Path(work)] if work is not None else [])):
            with writing(folder):
                folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def marked(self) -> Iterator[str]:
        """A file in the folder of work, by which a worker can tell that it is this one; its name.
        None is made where `work` is a URL."""
        name, work = f"{MARK}{secrets.token_hex(8)}", local_path(self.work)
        if work is None:
            yield name
            return
        mark = Path(work, name)
        with writing(mark):
            mark.touch()
        try:
            yield name
        finally:
            mark.unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove what workers and drivers that died have left: half-written files and marks. Only with
        the manifest's lock."""
        clear_temporaries(self.work)
        if (work := local_path(self.work)) is not None:
            with suppress(OSError):
                for mark in Path(work).glob(f"{MARK}{'[0-9a-f]' * 16}"):
                    mark.unlink()

    def existing_outputs(self) -> Callable[[str], bool]:
        """A function that tells whether an output exists. A store is listed once: asking for each
        of a million objects takes hours."""
        if local_path(self.out) is not None:
            return lambda output: os.path.exists(local_path(output) or output)  # noqa: PTH110 (a million of them)
        files, path = filesystem(self.out)
        try:
            found = set(files.find(path)) if files.exists(path) else set()
        except OSError as error:
            raise OutputError(f"cannot list {self.out}: {error}") from error
        return lambda output: filesystem(output)[1] in found
