"""Items into a manifest: what is new, what changed, what is done, all in one transaction, before
any work starts."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from sqlite3 import Connection

from streamcodec.errors import UsageError

from ...files.sources import Item
from .receipts import FACTS

__all__ = ["JobKeys", "Policy", "list_items"]

FindReceipts = Callable[[Iterable[str]], Mapping[str, tuple[object, ...]]]

BATCH = 900  # below the number of parameters that any SQLite takes

INSERT = (
    "INSERT INTO files (run, input, output, identity, key, input_bytes) VALUES (?, ?, ?, ?, ?, ?)"
)
RESTORE = (
    "INSERT INTO files (run, input, output, identity, key, input_bytes, state, ended_run, "
    f"{', '.join(FACTS)}) VALUES (?, ?, ?, ?, ?, ?, 'done', 0, {', '.join('?' * len(FACTS))})"
)
KEEP = "UPDATE files SET run = ? WHERE id = ?"
RETRY = (
    "UPDATE files SET run = ?, attempts = 0, state = iif(plan IS NULL, 'pending', 'planned'), "
    "error = NULL, traceback = NULL WHERE id = ?"
)
RETRY_PARTS = "UPDATE parts SET attempts = 0 WHERE file = ?"
RESET_PARTS = "DELETE FROM parts WHERE file = ?"
RESET = """
UPDATE files SET run = ?, input = ?, identity = ?, key = ?, input_bytes = ?, state = 'pending', attempts = 0, plan = NULL, ended_run = NULL,
    output_bytes = NULL, frames = NULL, gops = NULL, width = NULL, height = NULL, psnr_db = NULL, seconds = NULL, worker = NULL,
    started = NULL, finished = NULL, error = NULL, traceback = NULL, notes = NULL
WHERE id = ?
"""


class JobKeys:
    """Keys of files: equal for the same input, unchanged as far as its identity tells, with the
    same settings and models."""

    def __init__(self, settings: str, models: str) -> None:
        self._start = hashlib.blake2b(json.dumps([settings, models]).encode(), digest_size=16)

    def of(self, item: Item) -> bytes:
        """16 bytes."""
        made = self._start.copy()
        made.update(f"{item.location}\n{item.identity}".encode())
        return made.digest()


@dataclass(frozen=True)
class Policy:
    """What is done again. `force`: everything; `retry_failed`: what failed with the same key.
    `output_exists`: asked about outputs that are done, which are made anew where it says no, and
    about new ones, which it is an error to find there unless `force`. None trusts the manifest."""

    force: bool = False
    retry_failed: bool = False
    output_exists: Callable[[str], bool] | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """What the manifest has for an output."""

    id: int
    run: int
    input: str
    key: bytes
    state: str


def list_items(
    connection: Connection,
    run: int,
    items: Iterable[tuple[Item, str]],
    keys: JobKeys,
    policy: Policy,
    receipts: FindReceipts | None = None,
) -> None:
    """Enter all items with their outputs; the caller commits.

    An input that is listed twice with the same output counts once. `receipts`: asked about outputs
    that the manifest does not know, if it was made anew; those of the same key are done. Raises
    UsageError if two inputs have the same output.
    """
    stream = iter(items)
    while batch := list(islice(stream, BATCH)):
        _enter(connection, run, list(_distinct(batch)), keys, policy, receipts)


def _distinct(batch: Sequence[tuple[Item, str]]) -> Iterator[tuple[Item, str]]:
    seen: dict[str, str] = {}
    for item, output in batch:
        if seen.setdefault(output, item.location) != item.location:
            raise _collision(seen[output], item, output)
    kept = {output: item for item, output in reversed(batch)}
    yield from ((item, output) for output, item in reversed(kept.items()))


def _enter(
    connection: Connection,
    run: int,
    batch: list[tuple[Item, str]],
    keys: JobKeys,
    policy: Policy,
    receipts: FindReceipts | None,
) -> None:
    query = f"SELECT id, run, input, key, state, output FROM files WHERE output IN ({', '.join('?' * len(batch))})"
    known = {
        row[-1]: _Known(*row[:-1])
        for row in connection.execute(query, [output for _, output in batch])
    }
    unknown = [output for _, output in batch if output not in known]
    received = {} if receipts is None or policy.force else receipts(unknown)
    new, restored, reset, retry, keep = [], [], [], [], []
    for item, output in batch:
        old, key = known.get(output), keys.of(item)
        if old is None and output in received and received[output][0] == key.hex().upper():
            row = (run, item.location, output, item.identity, key, item.size_bytes)
            restored.append((*row, *received[output][1:]))
        elif old is None:
            _check_free(output, policy)
            new.append((run, item.location, output, item.identity, key, item.size_bytes))
        elif old.run == run:
            if old.input != item.location:
                raise _collision(old.input, item, output)
        elif policy.force or old.key != key or _is_gone(old, output, policy):
            reset.append((run, item.location, item.identity, key, item.size_bytes, old.id))
        elif old.state == "failed" and (policy.retry_failed or item.retry):
            retry.append((run, old.id))
        else:
            keep.append((run, old.id))
    connection.executemany(INSERT, new)
    connection.executemany(RESTORE, restored)
    connection.executemany(RESET_PARTS, [values[-1:] for values in reset])
    connection.executemany(RESET, reset)
    connection.executemany(RETRY_PARTS, [values[-1:] for values in retry])
    connection.executemany(RETRY, retry)
    connection.executemany(KEEP, keep)


def _check_free(output: str, policy: Policy) -> None:
    if not policy.force and policy.output_exists is not None and policy.output_exists(output):
        raise UsageError(
            f"{output} exists, and was not made here before; choose another destination or pattern, or overwrite with force"
        )


def _is_gone(old: _Known, output: str, policy: Policy) -> bool:
    return (
        old.state in ("done", "skipped", "written")
        and policy.output_exists is not None
        and not policy.output_exists(output)
    )


def _collision(first: str, item: Item, output: str) -> UsageError:
    return UsageError(
        f"{first} and {item.location} would both be written to {output}; accepted: a pattern that tells them apart, "
        "with {relative}, {suffix} or {hash} in it"
    )
