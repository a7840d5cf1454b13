"""Where inputs and outputs lie: a path, or a URL that fsspec knows (s3://, gs://, http://,
memory://, ...).

A path stands as it is, made absolute. One that text cannot hold (bytes that are not UTF-8, a line
break) or that a list would misread (`#`, blanks at its ends, `://`) stands as a file:// URL with
%-escapes, so that every location is one line of valid text.
"""

# ruff: noqa: PTH100 (a million names: strings, not paths)

import os
from dataclasses import dataclass
from urllib.parse import quote_from_bytes, unquote_to_bytes

from streamcodec.remote import is_url

__all__ = ["FILE_URL", "FileRef", "is_below", "local_path", "location_of"]

FILE_URL = "file://"


@dataclass(frozen=True, slots=True)
class FileRef:
    """One input with its output, both locations. `file`: its number in the manifest. `key`: hex
    digits that stand for the input's identity, the settings and the models."""

    file: int
    input: str
    output: str
    size_bytes: int
    key: str


def location_of(path: str | os.PathLike[str]) -> str:
    """The location of a local path."""
    text = os.path.abspath(path)
    plain = text.isprintable() and text == text.strip() and not is_url(text)
    return text if plain else FILE_URL + quote_from_bytes(os.fsencode(text))


def local_path(location: str) -> str | None:
    """The path that a location names, as the operating system takes it; None if it lies elsewhere,
    for `filesystem`."""
    if location.startswith(FILE_URL):
        return os.fsdecode(unquote_to_bytes(location.removeprefix(FILE_URL)))
    return None if is_url(location) else location


def is_below(location: str, folder: str) -> bool:
    """Whether a location lies in the folder or deeper, both as `location_of` or a URL has them."""
    path, top = local_path(location), local_path(folder)
    if path is not None and top is not None:
        return os.path.normpath(path).startswith(os.path.normpath(top).rstrip("/") + "/")
    inside = location.startswith(folder.rstrip("/") + "/")
    return inside and ".." not in location.removeprefix(folder).split("/")
