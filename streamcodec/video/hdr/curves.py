"""Transfer functions and the tone curve, as tables: the same numbers on every machine, and no power of any pixel.

Light is measured in units of SDR white, 203 cd/m2 (ITU-R BT.2408). Sources: PQ is SMPTE ST 2084, HLG and its system gamma of 1.2 at
1000 cd/m2 are ITU-R BT.2100, the SDR display is ITU-R BT.1886 with a gamma of 2.4 and a black of 0.
"""

import math

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "HLG",
    "PEAK",
    "PQ",
    "STEPS",
    "display_code",
    "pq_light",
    "ratios",
    "scene_light",
    "shoulder",
    "system_gain",
]

PQ, HLG = 16, 18  # transfer characteristics of ITU-T H.273
STEPS = 4096
"""Entries of a table. Light is looked up by its square root, which has fine steps in the dark."""

_WHITE = 203.0  # cd/m2
_NOMINAL_PEAK = 1000.0  # cd/m2
PEAK = _NOMINAL_PEAK / _WHITE
"""Light that is shown as white after tone mapping; above it there is nothing but white."""
_KNEE = 0.5  # light up to here is kept as it is

Table = NDArray[np.float32]


def pq_light() -> Table:
    """Light for codes 0 .. STEPS - 1 of PQ."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    light = []
    for code in range(STEPS):
        root = (code / (STEPS - 1)) ** (1 / m2)
        nits = 10000 * (max(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)
        light.append(nits / _WHITE)
    return np.array(light, np.float32)


def scene_light() -> Table:
    """Scene light, 0 .. 1, for codes 0 .. STEPS - 1 of HLG."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    values = (code / (STEPS - 1) for code in range(STEPS))
    return np.array(
        [v * v / 3 if v <= 0.5 else (math.exp((v - c) / a) + b) / 12 for v in values], np.float32
    )


def system_gain() -> Table:
    """What HLG's scene light is multiplied with for the light of a display, by the square root of its luminance."""
    return np.array([PEAK * (step / (STEPS - 1)) ** 0.4 for step in range(STEPS)], np.float32)


def shoulder(light: float) -> float:
    """The tone curve: light up to the knee as it is, from there on in a hyperbola that reaches 1 at PEAK."""
    if light <= _KNEE:
        return light
    x, most = (min(light, PEAK) - _KNEE) / (1 - _KNEE), (PEAK - _KNEE) / (1 - _KNEE)
    return _KNEE + (1 - _KNEE) * x * (1 + x / most**2) / (1 + x)


def ratios() -> Table:
    """shoulder(light) / light, by the square root of light / PEAK."""
    found = [1.0]
    for step in range(1, STEPS):
        light = PEAK * (step / (STEPS - 1)) ** 2
        found.append(shoulder(light) / light)
    return np.array(found, np.float32)


def display_code() -> NDArray[np.uint8]:
    """8-bit value that shows light 0 .. 1 on an SDR display, by the square root of the light."""
    return np.array(
        [round(255 * (step / (STEPS - 1)) ** (2 / 2.4)) for step in range(STEPS)], np.uint8
    )
