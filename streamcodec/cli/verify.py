"""`streamcodec verify IN`."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from streamcodec.cli.common import say, say_json, source_argument
from streamcodec.cli.options import (
    given,
    json_option,
    options_from,
    quiet_option,
    threads_option,
)
from streamcodec.errors import CorruptStreamError, UsageError
from streamcodec.progress import frames_done
from streamcodec.remote import without_secrets
from streamcodec.runtime import prepare
from streamcodec.stream.options import DecodeOptions
from streamcodec.text import counted

if TYPE_CHECKING:
    from streamcodec.stream.verify import VerifyReport

MOST_PROBLEMS = 50
"""That are listed."""

__all__ = ["verify"]


@click.command()
@source_argument
@click.option(
    "--decode/--no-decode",
    default=True,
    show_default=True,
    help="Decode every frame, or check structure and checksums only.",
)
@click.option("--exact", is_flag=True, help="Fail unless all decoded pixels are the encoder's.")
@options_from(DecodeOptions, without=("on_damage",))
@json_option
@threads_option
@quiet_option
def verify(
    source: str,
    decode: bool,
    exact: bool,
    as_json: bool,
    threads: int | None,
    quiet: bool,
    **options: Any,
) -> int:
    """Check that a stream is whole and decodes to the encoder's pixels.

    Exit code 3 if the stream is damaged; with --exact, 1 if pixels differ or a GOP has no hash to
    compare them with. Those of models of PyTorch may differ where the arithmetic of the machine or the
    number of --threads is not the encoder's.
    """
    if exact and not decode:
        raise UsageError("--exact compares decoded pixels; accepted: without --no-decode")
    prepare(threads)
    import streamcodec

    with frames_done("verify", quiet=quiet or as_json) as advance:
        report = streamcodec.verify(source, decode=decode, progress=advance, **given(options))
    if as_json:
        lost = sum(loss.frames for loss in report.lost)
        say_json(
            {
                "source": without_secrets(source),
                "ok": report.ok,
                **asdict(report),
                "lost_frames": lost,
            }
        )
    else:
        _tell(without_secrets(source), report, quiet=quiet)
    if not report.ok:
        return CorruptStreamError.exit_code
    return 1 if exact and report.exact_gops < report.gops else 0


def _tell(name: str, report: "VerifyReport", *, quiet: bool) -> None:
    for problem in report.problems[:MOST_PROBLEMS]:
        say(f"{name}: {problem}", err=True)
    if (more := len(report.problems) - MOST_PROBLEMS) > 0:
        say(f"{name}: and {counted(more, 'other problem')}", err=True)
    if not quiet:
        say(f"{name}: {describe(report)}")


def _left(report: "VerifyReport") -> str:
    """What of a damaged stream can be had."""
    if report.decoded is None:
        return f"{counted(report.frames, 'frame')} found, not decoded"
    lost = sum(loss.frames for loss in report.lost)
    whole = f"{report.decoded:,} of " if lost else ""
    return f"{whole}{counted(report.decoded + lost, 'frame')} decoded"


def describe(report: "VerifyReport") -> str:
    """One line."""
    found = f"{counted(report.frames, 'frame')} in {counted(report.gops, 'GOP')}"
    if not report.ok:
        return f"DAMAGED, {counted(len(report.problems), 'problem')}; {_left(report)}"
    if report.decoded is None:
        return f"whole, {found}; not decoded"
    hashed = report.exact_gops + len(report.inexact_gops)
    if not hashed:
        return f"whole, {found}; all frames decode; the stream has no hashes to compare them with"
    without = report.gops - hashed
    rest = f"; {counted(without, 'GOP')} without a hash to compare with" if without > 0 else ""
    if not report.inexact_gops:
        return (
            f"whole, {found}; all frames decode, bit-exact in {report.exact_gops} of "
            f"{counted(hashed, 'GOP')}{rest}"
        )
    return (
        f"whole, {found}; all frames decode; the pixels of {len(report.inexact_gops)} of "
        f"{counted(hashed, 'GOP')} differ from the encoder's{rest}"
    )
