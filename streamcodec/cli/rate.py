"""Options of the commands that encode: models, GOPs, the part of the video, and a quality or what to reach instead."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from streamcodec.errors import UsageError

__all__ = [
    "coding_options",
    "intra_option",
    "parse_kbit_per_second",
    "precision_option",
    "preset_option",
    "target_bpp_option",
    "target_options",
    "target_psnr_option",
    "targets",
]

UNITS = {"k": 1.0, "M": 1e3}
"""Suffix -> kbit/s."""

F = TypeVar("F", bound=Callable[..., Any])

intra_option = click.option(
    "--intra", help="Model of the I-frames: a name (see `models`) or a .safetensors file."
)
precision_option = click.option(
    "--precision",
    type=click.Choice(["fp32", "bf16"]),
    default="fp32",
    show_default=True,
    help="Arithmetic of PyTorch's networks.",
)
preset_option = click.option(
    "--preset", type=click.Choice(["fast", "medium", "slow"]), default="medium", show_default=True,
    help="How much the encoder tries: slower gives fewer bytes. Models of PyTorch have one way only.",
)  # fmt: skip
target_psnr_option = click.option(
    "--target-psnr",
    type=float,
    metavar="DB",
    help="The lowest quality that has this PSNR, as --psnr measures it.",
)
target_bpp_option = click.option(
    "--target-bpp",
    type=float,
    metavar="BPP",
    help="The highest quality with no more bits per pixel.",
)


def coding_options(command: F) -> F:
    """--gop, --intra-offset, --scenecut, --intra, --inter, --precision, --preset, --background, --start, --duration, --frames."""
    for option in reversed(
        (
            click.option(
                "--gop",
                type=click.IntRange(1, 65535),
                default=32,
                show_default=True,
                help="Most frames between I-frames.",
            ),
            click.option(
                "--intra-offset",
                type=click.IntRange(-63, 63),
                help="Added to the quality of I-frames.  [default: 8]",
            ),
            click.option(
                "--scenecut",
                type=click.FloatRange(0, 1),
                help="Threshold of the scene-cut detector; 0 = off.",
            ),
            intra_option,
            click.option("--inter", help="Model of the P-frames, likewise; none = I-frames only."),
            precision_option,
            preset_option,
            click.option(
                "--background",
                metavar="COLOUR",
                help="What transparent pixels are laid on: white, black or #rrggbb.  [default: alpha is dropped]",
            ),
            click.option("--start", metavar="TIME", help="Begin here: seconds, MM:SS or HH:MM:SS."),
            click.option("--duration", metavar="TIME", help="Encode no more than this."),
            click.option(
                "--frames",
                "max_frames",
                type=click.IntRange(1),
                help="Encode no more than this many frames.",
            ),
        )
    ):
        command = option(command)
    return command


def target_options(command: F) -> F:
    """--target-psnr, --target-bpp, --bitrate."""
    for option in reversed(
        (
            target_psnr_option,
            target_bpp_option,
            click.option(
                "--bitrate",
                metavar="RATE",
                help="The highest quality with no more than this: 800 or 800k (kbit/s), 1.5M.",
            ),
        )
    ):
        command = option(command)
    return command


def targets(
    *, psnr: float | None, bpp: float | None, bitrate: str | None, quality: object = None
) -> dict[str, float]:
    """The settings of `streamcodec.encode` for these options; raises UsageError for more than one of them, `quality` included."""
    given = {"-q": quality, "--target-psnr": psnr, "--target-bpp": bpp, "--bitrate": bitrate}
    names = [name for name, value in given.items() if value is not None and value != ()]
    if len(names) > 1:
        raise UsageError(f"{' and '.join(names)} were given; accepted: one of {', '.join(given)}")
    kbit = None if bitrate is None else parse_kbit_per_second(bitrate)
    settings = {"target_psnr_db": psnr, "target_bpp": bpp, "target_kbit_per_second": kbit}
    return {name: value for name, value in settings.items() if value is not None}


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
