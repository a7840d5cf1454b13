"""A file in pieces small enough to travel: `NAME.000`, `NAME.001`, ... and `NAME.json`, which lists them with their hashes."""

import hashlib
import json
from pathlib import Path

from streamcodec.errors import UsageError

__all__ = ["join_pieces", "split_file"]

PIECE_BYTES = 15 * 2**20


def split_file(path: Path, folder: Path, piece_bytes: int = PIECE_BYTES) -> list[Path]:
    """Write `path` into `folder` in pieces, in place of older ones of its name. The list is replaced last."""
    data = path.read_bytes()
    parts = [data[start : start + piece_bytes] for start in range(0, max(len(data), 1), piece_bytes)]
    rows = [{"name": f"{path.name}.{n:03d}", "bytes": len(part), "sha256": _hash(part)} for n, part in enumerate(parts)]
    listing = {"name": path.name, "bytes": len(data), "sha256": _hash(data), "pieces": rows}
    folder.mkdir(parents=True, exist_ok=True)
    names = [str(row["name"]) for row in rows] + [f"{path.name}.json"]
    for name, part in zip(names, [*parts, json.dumps(listing, indent=1).encode()], strict=True):
        (folder / f"{name}.part").write_bytes(part)
    for name in names:  # a moment in which pieces are of two kinds; the hashes tell
        (folder / f"{name}.part").replace(folder / name)
    return [folder / name for name in names]


def join_pieces(folder: Path, name: str, target: Path) -> None:
    """Put the pieces of `name` together as `target`. Raises UsageError if one is missing or is not what the list says."""
    try:
        listing = json.loads((folder / f"{name}.json").read_text())
        parts = [(row, (folder / Path(row["name"]).name).read_bytes()) for row in listing["pieces"]]
        damaged = [row["name"] for row, part in parts if _hash(part) != row["sha256"]]
        whole = listing["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"cannot put {name} together from {folder}: {error}") from error
    data = b"".join(part for _, part in parts)
    if damaged or _hash(data) != whole:
        raise UsageError(
            f"pieces of {name} in {folder} are damaged or of different runs: {', '.join(damaged) or 'their order'}; fetch them again"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.part")
    partial.write_bytes(data)
    partial.replace(target)


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
