"""Transparency: not coded, but it can be laid on a colour first."""

import re

import numpy as np

from streamcodec.checks import check_text
from streamcodec.errors import UsageError
from streamcodec.video.color import Plane

__all__ = ["laid_on", "parse_background"]

COLOR_NAMES = {"white": "#ffffff", "black": "#000000"}


def parse_background(text: str) -> tuple[int, int, int]:
    """(red, green, blue), 0..255, from "white", "black" or "#rrggbb". Raises UsageError for anything else."""
    named = COLOR_NAMES.get(check_text("background", text), text)
    found = re.fullmatch("#?([0-9a-f]{6})", named.lower())
    if found is None:
        raise UsageError(f"background is {text!r}; accepted: white, black or #rrggbb")
    red, green, blue = bytes.fromhex(found[1])
    return red, green, blue


def laid_on(background: tuple[int, int, int], rgb: Plane, alpha: Plane) -> Plane:
    """(3, H, W) uint8 RGB: of a picture and its alpha (H, W), 255 = opaque, on a colour."""
    share = alpha.astype(np.uint32)
    mixed = rgb * share + np.array(background, np.uint32)[:, None, None] * (255 - share)
    return ((mixed + 127) // 255).astype(np.uint8)
