#!/usr/bin/env python3
"""Writes native/tests/data/frames.bin: small models and frames that they coded, for the C++ tests, which have no Python.

They say that other machines code the same bytes to the same pixels: run this for a new format only, not to make a test pass.

    python tools/golden/make_native_frames.py
    python tools/golden/make_native_frames.py --packaged FILE    # of the default models: tools/check_aarch64

The file is a list of arrays of integers, all in LEB128: the number of elements, then, until all are there, twice a value
(zigzag), or that plus 1 and how often the value comes. A cdf is stored as differences. The arrays come in the order in which
native/tests/frame_samples.hpp reads them.
"""

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streamcodec import _native
from streamcodec.codec.dct_grids import on_grids
from streamcodec.codec.dct_random import random_weights
from streamcodec.codec.dct_weights import DctWeights, load_dct_weights
from streamcodec.engine.program import Channels, Conv, DepthToSpace, Layer, Network
from streamcodec.weights import PACKAGED

Planes = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]

OUT = Path(__file__).parents[2] / "native" / "tests" / "data" / "frames.bin"
SIZES = [(54, 70), (33, 17)]
QUALITIES = [40, 12, 55, 40]


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def array(values: "NDArray[np.integer] | list[int] | bytes") -> bytes:
    flat = np.frombuffer(values, np.uint8) if isinstance(values, bytes) else np.asarray(values)
    flat = flat.astype(np.int64).reshape(-1)
    edges = [i for i in range(len(flat)) if i == 0 or flat[i] != flat[i - 1]] + [len(flat)]
    out = varint(len(flat))
    for first, end in pairwise(edges):
        value = int(flat[first])
        zigzag, count = 2 * value if value >= 0 else -2 * value - 1, end - first
        out += varint(2 * zigzag + 1) + varint(count) if count > 1 else varint(2 * zigzag)
    return out


def layer_of(network: Network, layer: Layer) -> bytes:
    def place(channels: Channels | None) -> list[int]:
        return [-1, 0] if channels is None else [network.place(channels.slot), channels.first]

    ends = place(layer.input) + place(layer.output)
    if not isinstance(layer, Conv):
        return array([1 if isinstance(layer, DepthToSpace) else 2, *ends, layer.channels])
    inputs = layer.weights.shape[2]
    numbers = [inputs, layer.stride, *layer.origin, layer.low, layer.high, *place(layer.add)]
    slope = np.zeros(0, np.int32) if layer.slope is None else layer.slope
    arrays = (np.array(layer.taps), layer.weights, layer.bias, slope, layer.shift)
    return array([0, *ends, *numbers]) + b"".join(map(array, arrays))


def model_of(weights: DctWeights) -> bytes:
    network = on_grids(weights.network, weights.kind)
    out = array([len(network.slots), len(network.stages)])
    for slot in network.slots:
        out += array(slot.name.encode())
        out += array([slot.channels, slot.max_abs, int(slot.is_given)])
    for stage in network.stages:
        out += array(stage.name.encode()) + array([len(stage.layers)])
        out += b"".join(layer_of(network, layer) for layer in stage.layers)
    tables = weights.tables
    out += array([tables.quantized_cdf.shape[1]])
    out += array(np.diff(tables.quantized_cdf.reshape(-1), prepend=0))
    out += array(tables.cdf_length) + array(tables.offset)
    for numbers in (
        weights.step,
        weights.gain,
        weights.rd_lambda,
        weights.log_table,
        weights.extra,
    ):
        out += array(numbers)
    return out + array([weights.sets])


def picture(height: int, width: int, time: int) -> Planes:
    """frame_samples.hpp makes the same."""
    rows, columns = np.mgrid[:height, :width]
    y = (64 + ((columns + 2 * time) ** 2 + (rows - time + 64) ** 2) // 32 % 128).astype(np.uint8)
    u = np.ascontiguousarray(y[::2, ::2])
    return y, u, 255 - u


def frames_of(intra_weights: DctWeights, inter_weights: DctWeights) -> bytes:
    intra, inter = intra_weights.native(), inter_weights.native()
    out = model_of(intra_weights) + model_of(inter_weights) + array([len(SIZES), len(QUALITIES)])
    for size in SIZES:
        reference = decoded = None
        out += array(list(size))
        for time, quality in enumerate(QUALITIES):
            model = inter if time else intra
            payload, reference = model.encode(picture(*size, time), quality, reference)
            decoded = model.decode(payload, size, decoded)
            pixels = b"".join(plane.tobytes() for plane in decoded.planes())
            out += array([quality]) + array(payload) + array([_native.crc32c(pixels)])
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--packaged", type=Path, metavar="FILE", help="Of the default models.")
    file = parser.parse_args().packaged
    if file is None:
        OUT.write_bytes(frames_of(*(random_weights(kind, sets=3) for kind in ("intra", "inter"))))
        return
    intra, inter = (
        load_dct_weights(PACKAGED / f"dct-{kind}.safetensors") for kind in ("intra", "inter")
    )
    file.write_bytes(frames_of(intra, inter))


main()
