"""Options and helpers that several commands share."""

import ctypes
import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from streamcodec.errors import UsageError
from streamcodec.files import STANDARD_STREAM
from streamcodec.types import MAX_PIXELS

__all__ = [
    "PARTLY_FAILED",
    "STREAM_SUFFIX",
    "decoder_precision_option",
    "device_options",
    "human_bytes",
    "is_stream_name",
    "max_pixels_option",
    "overwrite_option",
    "parse_seconds",
    "prepare",
    "quiet_option",
    "weights_options",
]

PARTLY_FAILED = 4
"""Exit code where some files of several failed."""

STREAM_SUFFIX = ".ssf"

MALLOPT = {
    -8: 1,  # M_ARENA_MAX
    -4: 0,  # M_MMAP_MAX
    -1: 1 << 30,  # M_TRIM_THRESHOLD, bytes
    -2: 1 << 26,  # M_TOP_PAD, bytes
}
"""glibc's malloc.h: parameter -> value."""

F = TypeVar("F", bound=Callable[..., Any])

overwrite_option = click.option("-y", "--overwrite", is_flag=True, help="Overwrite the output if it exists.")
max_pixels_option = click.option(
    "--max-pixels",
    type=click.IntRange(1),
    default=MAX_PIXELS,
    show_default="8192 x 4352",
    help="Largest picture to decode, width times height: a small stream can announce a huge one.",
)
decoder_precision_option = click.option(
    "--precision", type=click.Choice(["fp32", "bf16"]), help="Arithmetic of the networks.  [default: the encoder's]"
)
quiet_option = click.option("--quiet", is_flag=True, help="No progress and no summary.")


def device_options(command: F) -> F:
    """--device and --threads."""
    command = click.option("--device", help="cpu, cuda, cuda:1, ...  [default: a GPU if there is one]")(command)
    return click.option(
        "--threads", type=click.IntRange(1), help="CPU threads of the networks; as many give the same bytes and pixels.  [default: all]"
    )(command)


def weights_options(command: F) -> F:
    """--intra and --inter of the commands that decode."""
    command = click.option("--inter", help="Weights file of the P-frames' model, likewise.")(command)
    return click.option("--intra", help="Weights file (.safetensors) of the I-frames' model, if it is not among `models`.")(command)


def prepare(threads: int | None) -> None:
    """Set this process up for networks: the allocator, and PyTorch's number of threads (None leaves its default).

    Idle threads sleep. OpenMP would have them spin for the next layer, which on a machine with other work holds up the one that has
    something to do: coding took 3 to 10 times as long. OpenMP reads this when PyTorch is loaded, so it comes first.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    keep_memory()
    if threads is None:
        return
    import torch

    torch.set_num_threads(threads)


def keep_memory() -> None:
    """Have glibc keep what it was given, in one arena, instead of mapping fresh pages for every tensor of every frame.

    A frame's tensors then lie where the last frame's lay: fewer page faults, and a peak that does not depend on the length of the
    video or on which thread allocated what. Does nothing with another C library.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, value in MALLOPT.items():
            mallopt(parameter, value)


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


def is_stream_name(out: str) -> bool:
    """Whether a stream may be written under this name; - is standard output."""
    return out == STANDARD_STREAM or out.endswith(STREAM_SUFFIX)


def human_bytes(size: int) -> str:
    """12345678 -> "12.3 MB"."""
    value = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return f"{size} bytes" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
