"""What several commands share: how they print, what their inputs are, and what a stream may be called."""

import json
import math
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from glob import has_magic
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from streamcodec.errors import PARTLY_FAILED, SourceError, StreamCodecError, UsageError
from streamcodec.files import STANDARD_STREAM, writing
from streamcodec.remote import is_url, without_secrets
from streamcodec.text import MOST_CHARACTERS, counted, human_bytes, shown

__all__ = [
    "STREAM_SUFFIX",
    "check_inputs",
    "check_stream_name",
    "code_all",
    "finite",
    "is_stream_name",
    "of_command_line",
    "pair_of",
    "pairs_below",
    "say",
    "say_json",
    "say_notes",
    "source_argument",
    "stream_and_out",
    "written",
]

STREAM_SUFFIX = ".ssf"


def say(*lines: str, err: bool = False) -> None:
    """Print lines, escaped and each cut to MOST_CHARACTERS; all that commands print goes through
    here."""
    for line in lines:
        click.echo(shown(line, MOST_CHARACTERS), err=err)


def of_command_line(message: str) -> str:
    """A message without what to write in Python: "-y (overwrite=True)" becomes "-y"."""
    return re.sub(r" \([a-z_]+=[^()]*\)", "", message)


def say_notes(source: str, notes: Sequence[str]) -> None:
    """One line on standard error that tells what of a source is changed or not kept; nothing
    without notes."""
    if notes:
        say(f"streamcodec: note: {source}: {of_command_line('; '.join(notes))}", err=True)


def say_json(
    value: Any,
    *,
    err: bool = False,
    default: Callable[[Any], Any] | None = None,
    on_a_line: bool = False,
) -> None:
    """Print a value as JSON, which is ASCII. `default`: of values that JSON does not know."""
    click.echo(json.dumps(value, indent=None if on_a_line else 2, default=default), err=err)


def written(out: str, frames: int, gops: int, size_bytes: int) -> str:
    """What a stream is that was written: "out.ssf: 24 frames in 2 GOPs, 1.2 MB"."""
    name = "" if out == STANDARD_STREAM else f"{out}: "
    return f"{name}{counted(frames, 'frame')} in {counted(gops, 'GOP')}, {human_bytes(size_bytes)}"


def is_stream_name(out: str) -> bool:
    """Whether a stream may be written under this name; - is standard output."""
    return out == STANDARD_STREAM or out.endswith(STREAM_SUFFIX)


def check_stream_name(out: str) -> None:
    """Raise UsageError for an output that is not called a stream."""
    if not is_stream_name(out):
        raise UsageError(
            f"{out} does not end in {STREAM_SUFFIX}; accepted: a name that does, or - for standard output"
        )


def pair_of(names: Sequence[str], what: str) -> tuple[str, str]:
    """The names as IN and OUT, where OUT is a stream. `what`: the kind of IN, for the message. Raises UsageError."""
    if len(names) != 2 or not is_stream_name(names[1]):
        last = "" if len(names) != 2 else f"{names[1]} does not end in {STREAM_SUFFIX}; "
        raise UsageError(
            f"{last}names are {' '.join(names)}; accepted: IN OUT{STREAM_SUFFIX} (OUT may be -), or IN... --out FOLDER"
        )
    if Path(names[0]).is_dir():
        raise UsageError(
            f"{names[0]} is a folder; accepted: a {what}, or for all {what}s in it --out FOLDER"
        )
    return names[0], names[1]


def stream_and_out(
    names: Sequence[str], kind: str | None, *, may_come_later: bool = False
) -> tuple[str, str]:
    """The names as IN, a stream that is there, and OUT. `kind`: what --to says. Raises UsageError, SourceError."""
    if len(names) != 2:
        raise UsageError(
            f"names are {without_secrets(' '.join(names))}; accepted: IN OUT (OUT may be -), or IN... --out FOLDER"
        )
    source, target = names
    if kind is not None:
        raise UsageError(
            f"--to is {kind}, which is for --out; the suffix of {target} says the kind"
        )
    if not may_come_later:
        check_inputs([source])
    if Path(source).is_dir():
        raise UsageError(
            f"{source} is a folder; accepted: a stream, or for all streams in it --out FOLDER"
        )
    return source, target


def pairs_below(
    out: Path,
    names: Sequence[str],
    suffixes: Collection[str],
    what: str,
    *,
    becomes: str = STREAM_SUFFIX,
) -> dict[str, str]:
    """Source -> its output, with the suffix `becomes`, below `out` as the source lies below the folder
    that was named. Raises UsageError for standard input, a URL without a name and two of one name,
    SourceError for a folder without such files."""
    pairs: dict[str, str] = {}
    taken: dict[Path, str] = {}
    found = (each for name in names for each in _files_in(name, suffixes, what))
    for source, relative in found:
        target = out / relative.with_suffix(becomes)
        if taken.setdefault(target, source) != source:
            both = without_secrets(f"{taken[target]} and {source}")
            raise UsageError(
                f"{both} would both become {target}; accepted: different folders for them"
            )
        pairs[source] = str(target)
    return pairs


def _files_in(name: str, suffixes: Collection[str], what: str) -> Iterator[tuple[str, Path]]:
    """(file, its path below the folder) of the files in a folder and below, or of the file itself."""
    if name == STANDARD_STREAM:
        raise UsageError(
            f"- is given with --out, but standard input has no name; accepted: {what}s and folders of them"
        )
    if is_url(name):
        file = Path(urlsplit(name).path).name
        if not file:
            raise UsageError(
                f"{without_secrets(name)} names no file; accepted: the URL of a {what}"
            )
        yield name, Path(file)
        return
    path = Path(name)
    if not path.is_dir():
        yield str(path), Path(path.name)
        return
    files = sorted(
        file
        for file in path.rglob("*")
        if file.suffix.lower() in suffixes and not file.name.startswith(".")
    )
    if not files:
        raise SourceError(f"{path} holds no {what}s ({', '.join(sorted(suffixes))})")
    yield from ((str(file), file.relative_to(path)) for file in files)


def _without_done(pairs: dict[str, str], *, overwrite: bool) -> tuple[dict[str, str], list[str]]:
    """What is to be done of these, and the outputs that are there already."""
    there = [] if overwrite else [out for out in pairs.values() if Path(out).exists()]
    done = set(there)
    return {source: out for source, out in pairs.items() if out not in done}, there


def _code_each(
    pairs: dict[str, str], code: Callable[[str, str], dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """What `code` gives for each source and its output, and the failures, which do not stop the others.
    Raises UsageError if all fail with one: that of an option."""
    rows, failures = [], []
    refused: list[tuple[str, UsageError]] = []
    for source, target in pairs.items():
        try:
            with writing(target):
                Path(target).parent.mkdir(parents=True, exist_ok=True)
            rows.append(code(source, target))
        except StreamCodecError as error:
            failures.append({"source": without_secrets(source), "error": str(error)})
            if isinstance(error, UsageError):
                refused.append((source, error))
            else:
                say(f"streamcodec: {of_command_line(str(error))}", err=True)
    if refused and len(refused) == len(pairs):
        raise refused[0][1]
    for source, refusal in refused:
        said = f"{without_secrets(source)}: {str(refusal).removeprefix(f'{source}: ')}"
        say(f"streamcodec: {of_command_line(said)}", err=True)
    return rows, failures


def code_all(
    pairs: dict[str, str],
    code: Callable[[str, str], dict[str, Any]],
    *,
    what: str,
    verb: str,
    overwrite: bool,
    quiet: bool,
    as_json: bool,
    sum_up: Callable[[list[dict[str, Any]]], dict[str, Any]] = lambda _: {},
) -> int:
    """Do with each source and its output what `code` does, unless it is done, and say how many were
    and how many failed. The exit code. `what`: an output; `verb`: what -y does with it anew.
    `sum_up`: more for the JSON, of all that `code` gave."""
    todo, kept = _without_done(pairs, overwrite=overwrite)
    of_all = counted(len(pairs), what)
    if kept and not (quiet or as_json):
        say(f"{len(kept)} of {of_all} done before; -y {verb} them anew", err=True)
    rows, failures = _code_each(todo, code)
    more = sum_up(rows)
    if failures:
        say(f"streamcodec: {len(failures)} of {of_all} failed", err=True)
    if as_json:
        told = [finite(row) for row in rows]
        say_json({f"{what}s": told, **more, "failed": failures, "kept": kept})
    return PARTLY_FAILED if failures else 0


def finite(facts: dict[str, Any]) -> dict[str, Any]:
    """For JSON, which has no infinity: null."""
    return {name: None if value == math.inf else value for name, value in facts.items()}


def check_inputs(names: Sequence[str], *, patterns: bool = False) -> None:
    """Raise SourceError for the first of these names that no file or folder has.

    Commands call it before they import what reads the files, which takes longer than this.
    `patterns`: globs and @lists are accepted too.
    """
    for name in names:
        if name == STANDARD_STREAM or is_url(name) or (patterns and has_magic(name)):
            continue
        try:
            Path(name.removeprefix("@") if patterns else name).stat()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise SourceError(f"cannot open {name}: {reason}") from error


def _checked(context: click.Context, _: click.Parameter, name: str) -> str:
    """One that is followed may come later."""
    if not context.params.get("follow"):
        check_inputs((name,))
    return name


source_argument = click.argument("source", metavar="IN", callback=_checked)
"""A file, or -; a missing one is said before anything slow is imported."""
