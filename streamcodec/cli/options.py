"""Options of the commands. Those that are fields of a dataclass are made from it; those that
several commands share are here."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import click

from streamcodec.errors import UsageError
from streamcodec.option_fields import Option, options_in
from streamcodec.tracks import Carry

if TYPE_CHECKING:
    from streamcodec.container import Limits

__all__ = [
    "address_option",
    "encode_settings",
    "encoder_options",
    "field_option",
    "given",
    "json_option",
    "limits_of",
    "names_and_out",
    "numbers_of",
    "options_from",
    "overwrite_option",
    "parse_kbit_per_second",
    "parse_seconds",
    "psnr_option",
    "quiet_option",
    "range_options",
    "source_error_option",
    "take",
    "threads_option",
    "to_option",
    "track_options",
    "workers_option",
]

UNITS = {"k": 1.0, "M": 1e3}
"""Suffix -> kbit/s."""

F = TypeVar("F", bound=Callable[..., Any])

overwrite_option = click.option(
    "-y", "--overwrite", is_flag=True, help="Overwrite the output if it exists."
)
quiet_option = click.option("--quiet", is_flag=True, help="No progress and no summary.")
json_option = click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")
threads_option = click.option(
    "--threads",
    type=click.IntRange(1),
    help="CPU threads that code a frame. With the default models any number gives the same bytes and "
    "pixels, with those of PyTorch the same number does.  [default: all]",
)
psnr_option = click.option(
    "--psnr",
    is_flag=True,
    help="Measure the quality: PSNR of YUV, weighted 6:1:1; of RGB with models of RGB.",
)
source_error_option = click.option(
    "--on-error",
    type=click.Choice(["raise", "stop", "skip"]),
    default="raise",
    show_default=True,
    help="At damage in a video: fail, keep what came before it, or leave out what is damaged.",
)
workers_option = click.option(
    "--workers",
    type=click.IntRange(1),
    help="Worker processes.  [default: as many as there is room for]",
)
address_option = click.option(
    "--address", help="Ray cluster: auto, HOST:PORT or ray://HOST:PORT.  [default: this machine]"
)


def names_and_out(inputs: str, outputs: str) -> Callable[[F], F]:
    """IN OUT, or many IN with --out: names and out. `inputs`, `outputs`: what they are, plural."""
    return _all(
        (
            click.argument("names", metavar="IN OUT | IN... --out FOLDER", nargs=-1, required=True),
            click.option(
                "--out",
                metavar="FOLDER",
                type=click.Path(path_type=Path, file_okay=False),
                help=f"For several {inputs}: the folder of their {outputs}.",
            ),
        )
    )


def to_option(outputs: str, *kinds: str) -> Callable[[F], F]:
    """--to: kind. The first is the default."""
    return click.option(
        "--to",
        "kind",
        type=click.Choice(kinds),
        help=f"Kind of the {outputs} in the folder of --out.  [default: {kinds[0]}]",
    )


def encoder_options(command: F) -> F:
    """--codec and --crf, of the video that a command writes."""
    command = click.option(
        "--crf", type=click.FloatRange(0, 63), help="Quality of that encoder; lower is better."
    )(command)
    return click.option(
        "--codec",
        help="FFmpeg's encoder of the video: h264, hevc, ffv1 (lossless, in mkv), ...  "
        "[default: H.264]",
    )(command)


def track_options(command: F) -> F:
    """--audio and --subtitles, of the video that a command writes."""
    command = click.option(
        "--subtitles",
        type=click.Choice(get_args(Carry)),
        help="Likewise of subtitles.  [default: copy]",
    )(command)
    return click.option(
        "--audio",
        type=click.Choice(get_args(Carry)),
        help="Copy the tracks of sound into OUT, or leave them out.  [default: copy]",
    )(command)


def _read(read: Callable[[str], float]) -> dict[str, Any]:
    """Arguments of `click.option` for a number that a function reads from text."""

    def callback(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
        return None if value is None else read(value)

    return {"type": str, "callback": callback}


def range_options(verb: str, *, with_frames: bool = True) -> Callable[[F], F]:
    """--start, --duration and, unless it is left out, --frames: start_seconds, duration_seconds and
    max_frames of what a command that does `verb` takes of a video."""
    frames = click.option(
        "--frames",
        "max_frames",
        type=click.IntRange(1),
        help=f"{verb} no more than this many frames.",
    )
    return _all(
        (
            click.option(
                "--start",
                "start_seconds",
                default="0",
                metavar="TIME",
                help="Begin here: seconds, MM:SS or HH:MM:SS.",
                **_read(parse_seconds),
            ),
            click.option(
                "--duration",
                "duration_seconds",
                metavar="TIME",
                help=f"{verb} no more than this.",
                **_read(parse_seconds),
            ),
            *((frames,) if with_frames else ()),
        )
    )


def options_from(options: type, *names: str, without: Sequence[str] = ()) -> Callable[[F], F]:
    """An option for each of these fields of a dataclass, or for all but those `without`.

    The command gets None for what was not given, so that the dataclass alone knows the defaults.
    """
    chosen = names or [name for name in options_in(options) if name not in without]
    return _all([field_option(options, name) for name in chosen])


def field_option(
    options: type, name: str, *, text: str | None = None, default: str | None = None, **more: Any
) -> Callable[[F], F]:
    """An option for a field of a dataclass. `text`, `default`: other words for its help and its
    default. `more`: as `click.option` takes it."""
    declared = options_in(options)[name]
    [value] = [each.default for each in fields(options) if each.name == name]
    kind = _kind_of(get_type_hints(options)[name])
    flag = declared.flag_of(name)
    if default is None:
        default = declared.default if declared.default is not None else _told(value, flag)
    help_text = (text or declared.help) + (f"  [default: {default}]" if default else "")
    if kind is bool and value is True:
        flag = f"{flag}/--no-{flag.removeprefix('--')}"
    names = [*([declared.short] if declared.short else []), flag, name]
    reading = READERS[name]() if name in READERS else _type_of(kind, declared)
    settings = {**reading, "metavar": declared.metavar, "is_eager": declared.eager, **more}
    return click.option(*names, help=help_text, default=None, **settings)


def _kind_of(annotation: Any) -> Any:
    """The type of a value that is given; text where there are several."""
    if get_origin(annotation) not in (Union, UnionType):
        return annotation
    kinds = [each for each in get_args(annotation) if each is not NoneType]
    return kinds[0] if len(kinds) == 1 else str


def _told(value: object, flag: str) -> str:
    if isinstance(value, bool):
        return flag.removeprefix("--") if value else ""
    return "" if value is None else f"{value}"


def _type_of(kind: Any, declared: Option) -> dict[str, Any]:
    """How click reads a value of this type."""
    if kind is bool:
        return {"is_flag": True}
    if get_origin(kind) is Literal:
        return {"type": click.Choice(get_args(kind))}
    least = declared.least if declared.above is None else declared.above
    if kind not in (int, float) or (least is None and declared.most is None):
        return {"type": kind}
    ranged: Any = click.IntRange if kind is int else click.FloatRange
    return {"type": ranged(least, declared.most, min_open=declared.above is not None)}


READERS: dict[str, Callable[[], dict[str, Any]]] = {
    "target_kbit_per_second": lambda: _read(parse_kbit_per_second),
    "limits": lambda: {"multiple": True, "callback": _read_limits},
}
"""Fields that are read from text in their own way: arguments of `click.option`."""


def _read_limits(_: click.Context, __: click.Parameter, words: tuple[str, ...]) -> Any:
    return limits_of(words) if words else None


def _all(options: Sequence[Callable[[F], F]]) -> Callable[[F], F]:
    def decorate(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def given(options: dict[str, Any]) -> dict[str, Any]:
    """What was given on the command line, of options that are None if they were not."""
    return {name: value for name, value in options.items() if value is not None}


def take(options: dict[str, Any], declared: type) -> dict[str, Any]:
    """Take the fields of a dataclass out of a command's options; those that were given."""
    return given({name: options.pop(name) for name in options_in(declared) if name in options})


def encode_settings(options: dict[str, Any]) -> dict[str, Any]:
    """Take the fields of EncodeOptions out of a command's options; those that were given.

    Raises UsageError for more than one of -q and the targets.
    """
    from streamcodec.stream.options import EncodeOptions

    declared = options_in(EncodeOptions)
    flags = {
        name: each.short or each.flag_of(name)
        for name, each in declared.items()
        if each.alternative
    }
    settings = take(options, EncodeOptions)
    check_alternatives({flag: settings.get(name) for name, flag in flags.items()})
    return settings


def check_alternatives(values: dict[str, Any]) -> None:
    """By flag; raises UsageError if more than one is given."""
    names = [flag for flag, value in values.items() if value is not None]
    if len(names) > 1:
        raise UsageError(f"{' and '.join(names)} were given; accepted: one of {', '.join(values)}")


def parse_seconds(text: str) -> float:
    """Seconds from "90", "1:30", "0:01:30.5"; raises UsageError for anything else."""
    parts = text.split(":")
    try:
        values = [float(part) for part in parts]
    except ValueError:
        values = []
    if not 1 <= len(values) <= 3 or any(not 0 <= value < float("inf") for value in values):
        raise UsageError(f"time is {text!r}; accepted: seconds, MM:SS or HH:MM:SS")
    seconds = 0.0
    for value in values:
        seconds = 60 * seconds + value
    return seconds


def parse_kbit_per_second(text: str) -> float:
    """kbit/s from "800", "800k", "1.5M"; raises UsageError for anything else."""
    number, unit = (text[:-1], text[-1]) if text[-1:] in UNITS else (text, "k")
    try:
        value = float(number) * UNITS[unit]
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise UsageError(
            f"bit rate is {text!r}; accepted: kbit/s above 0, as in 800 or 800k, or Mbit/s, as in 1.5M"
        )
    return value


def numbers_of(text: str) -> tuple[int, ...]:
    """(0, 32, 63) from "0,32,63"; raises UsageError for anything else."""
    try:
        return tuple(int(word) for word in text.split(","))
    except ValueError as error:
        raise UsageError(
            f"a list is {text!r}; accepted: whole numbers with commas between them, as in 0,32,63"
        ) from error


def limits_of(settings: Sequence[str]) -> "Limits":
    """The limits that NAME=N options set; UsageError for an unknown name or no number."""
    from streamcodec.container import Limits

    values = {}
    for setting in settings:
        name, _, count = setting.partition("=")
        if name not in Limits.__dataclass_fields__ or not count.isdecimal():
            names = ", ".join(Limits.__dataclass_fields__)
            raise UsageError(f"limit is {setting!r}; accepted: NAME=N with NAME one of {names}")
        values[name] = int(count)
    return Limits(**values)
