"""Options and helpers that several commands share."""

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from streamcodec.container.limits import Limits
from streamcodec.errors import UsageError
from streamcodec.files import STANDARD_STREAM
from streamcodec.text import MOST_CHARACTERS, shown
from streamcodec.types import MAX_PIXELS

__all__ = [
    "STREAM_SUFFIX",
    "decoder_precision_option",
    "device_options",
    "header_option",
    "is_stream_name",
    "limits_of",
    "limits_option",
    "max_pixels_option",
    "overwrite_option",
    "parse_seconds",
    "quiet_option",
    "say",
    "say_json",
    "weights_options",
]

STREAM_SUFFIX = ".ssf"

F = TypeVar("F", bound=Callable[..., Any])

overwrite_option = click.option(
    "-y", "--overwrite", is_flag=True, help="Overwrite the output if it exists."
)
max_pixels_option = click.option(
    "--max-pixels",
    type=click.IntRange(1),
    default=MAX_PIXELS,
    show_default="8192 x 4352",
    help="Largest picture to decode, width times height: a small stream can announce a huge one.",
)
decoder_precision_option = click.option(
    "--precision",
    type=click.Choice(["fp32", "bf16"]),
    help="Arithmetic of PyTorch's networks.  [default: the encoder's]",
)
header_option = click.option(
    "--header-from",
    metavar="OTHER.ssf",
    help="Take the header of this stream, coded with the same settings, if IN has lost its own.",
)
limits_option = click.option(
    "--limit",
    "limits",
    metavar="NAME=N",
    multiple=True,
    help="How much IN may hold: packets, frames, gops, payload_bytes, concealed, tracks or tags.",
)
quiet_option = click.option("--quiet", is_flag=True, help="No progress and no summary.")


def device_options(command: F) -> F:
    """--device and --threads."""
    command = click.option(
        "--device",
        help="cpu, cuda, cuda:1, ...  [default: cpu for the default models, for others a GPU if there is one]",
    )(command)
    return click.option(
        "--threads",
        type=click.IntRange(1),
        help="CPU threads that code a frame; as many give the same bytes and pixels.  [default: all]",
    )(command)


def weights_options(command: F) -> F:
    """--intra and --inter of the commands that decode."""
    command = click.option("--inter", help="Weights file of the P-frames' model, likewise.")(
        command
    )
    return click.option(
        "--intra",
        help="Weights file (.safetensors) of the I-frames' model, if it is not among `models`.",
    )(command)


def say(*lines: str, err: bool = False) -> None:
    """Print lines, escaped and each cut to MOST_CHARACTERS; all that commands print goes through here."""
    for line in lines:
        click.echo(shown(line, MOST_CHARACTERS), err=err)


def say_json(value: Any, *, err: bool = False, default: Callable[[Any], Any] | None = None) -> None:
    """Print a value as JSON, which is ASCII. `default`: of values that JSON does not know."""
    click.echo(json.dumps(value, indent=2, default=default), err=err)


def parse_seconds(text: str | None) -> float | None:
    """Seconds from "90", "1:30", "0:01:30.5"; raises UsageError for anything else."""
    if text is None:
        return None
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


def limits_of(settings: Sequence[str]) -> Limits:
    """The limits that NAME=N options set; UsageError for an unknown name or no number."""
    values = {}
    for setting in settings:
        name, _, count = setting.partition("=")
        if name not in Limits.__dataclass_fields__ or not count.isdecimal():
            names = ", ".join(Limits.__dataclass_fields__)
            raise UsageError(f"limit is {setting!r}; accepted: NAME=N with NAME one of {names}")
        values[name] = int(count)
    return Limits(**values)


def is_stream_name(out: str) -> bool:
    """Whether a stream may be written under this name; - is standard output."""
    return out == STANDARD_STREAM or out.endswith(STREAM_SUFFIX)
