"""The native engine and the path through PyTorch against the slow oracle."""

import numpy as np
import pytest
import torch

from streamcodec._native import Workspace, network_kernels
from streamcodec.engine import Channels, Conv, Network, Slot, Stage, square_taps
from streamcodec.engine.native import native
from streamcodec.engine.reference import run_stage
from streamcodec.engine.torch_path import TorchNetwork

from .networks import (
    CROSS,
    DIAGONALS,
    RING,
    Map,
    Shape,
    extreme_map,
    random_conv,
    random_map,
    run_native,
    single,
    synthesis,
)

ENDS = (Channels("in"), Channels("out"))
SHAPES = {
    "3x3": Shape(24, 32),
    "3x3 wide": Shape(48, 96),
    "3x3 odd": Shape(33, 41),
    "3x3 thin": Shape(1, 1),
    "1x1": Shape(64, 80, square_taps(1)),
    "1x1 wide": Shape(194, 240, square_taps(1)),
    "5x5 by 2": Shape(24, 17, square_taps(5), 2),
    "4x4 by 2": Shape(32, 48, square_taps(4, 1), 2),
    "2x2 by 2": Shape(32, 96, square_taps(2, 0), 2),
    "parity": Shape(64, 64, square_taps(1), 2, (1, 0)),
    "cross": Shape(96, 64, CROSS, 2, (0, 1)),
    "diagonals": Shape(216, 80, DIAGONALS, 2, (1, 1)),
    "ring": Shape(9, 12, RING),
}
SIZES = [(1, 1), (1, 9), (8, 1), (3, 5), (6, 14), (5, 27)]


def run_torch(network: Network, maps: dict[str, Map], *, condition: int = 0) -> dict[str, Map]:
    images = {
        name: torch.from_numpy(values).permute(2, 0, 1)[None] for name, values in maps.items()
    }
    after = TorchNetwork(network).run("all", images, condition=condition)
    return {name: values[0].permute(1, 2, 0).numpy() for name, values in after.items()}


def assert_same(found: dict[str, Map], expected: dict[str, Map], how: str = "") -> None:
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=f"{name} {how}")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SHAPES)
def test_convolutions_equal_the_oracle(name: str, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(len(name))
    network = single(random_conv(rng, SHAPES[name], ENDS, input_max_abs=4000, has_slope=True), 4000)
    maps = {"in": random_map(rng, size, network.slots[0])}
    expected = run_stage(network, "all", maps, condition=-200)
    assert_same(run_torch(network, maps, condition=-200), expected, "torch")
    for kernels in network_kernels():
        found = run_native(network, maps, condition=-200, kernels=kernels)
        assert_same(found, expected, kernels)


def largest_conv(shape: Shape, max_abs: int, largest_weight: int, largest_sum: int) -> Conv:
    """Sums that come as near to the proven bound as weights and shift allow; inputs of one sign reach it."""
    terms = len(shape.taps) * shape.inputs
    weight = min(largest_weight, (largest_sum - 1000) // (terms * max_abs))
    weights = np.full((shape.outputs, len(shape.taps), shape.inputs), weight, np.int16)
    weights[1::2] *= -1
    left = largest_sum - weight * terms * max_abs
    bias = np.where(np.arange(shape.outputs) % 2 == 0, left, -left).astype(np.int32)
    shift = np.arange(shape.outputs, dtype=np.int32) % 25
    return Conv(*ENDS, shape.taps, weights, bias, shift, -32767, 32767, shape.stride, shape.origin)


@pytest.mark.parametrize("sign", [-1, 0, 1])
@pytest.mark.parametrize(
    ("shape", "max_abs", "largest_weight", "largest_sum"),
    [
        (Shape(24, 50), 8191, 3640, 2**29 - 1),  # the most that Winograd's transform holds
        (Shape(2, 50), 8191, 3640, 2**29 - 1),
        (Shape(24, 50), 8191, 3641, 2**29 - 1),
        (Shape(24, 50), 8192, 3640, 2**31 - 1),
        (Shape(64, 50, square_taps(1)), 32767, 32767, 2**31 - 1),
        (Shape(1, 50, square_taps(1)), 32767, 32767, 2**31 - 1),
    ],
)
def test_sums_at_the_bound_are_exact(
    shape: Shape, max_abs: int, largest_weight: int, largest_sum: int, sign: int
) -> None:
    rng = np.random.default_rng(0)
    network = single(largest_conv(shape, max_abs, largest_weight, largest_sum), max_abs)
    values = extreme_map(rng, (5, 7), network.slots[0])
    maps = {"in": values if sign == 0 else np.abs(values) * np.int16(sign)}
    expected = run_stage(network, "all", maps)
    for kernels in network_kernels():
        assert_same(run_native(network, maps, kernels=kernels), expected, kernels)


@pytest.mark.slow
@pytest.mark.parametrize("kernels", network_kernels())
@pytest.mark.parametrize("size", [(1, 1), (4, 6), (13, 9), (46, 50)])
def test_programs_equal_the_oracle(size: tuple[int, int], kernels: str) -> None:
    rng = np.random.default_rng(1)
    network = synthesis(rng)
    coarse = (
        -(-size[0] // 2),
        -(-size[1] // 2),
    )  # of odd sizes, the last row and column are cropped
    maps = {
        "fine": random_map(rng, size, network.slots[0]),
        "coarse": random_map(rng, coarse, network.slots[1]),
    }
    expected = run_stage(network, "all", maps, condition=77)
    for threads in (1, 2, 5):
        assert_same(
            run_native(network, maps, condition=77, threads=threads, kernels=kernels), expected
        )
    assert_same(run_torch(network, maps, condition=77), expected)


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_tall_maps_are_divided_without_a_trace(threads: int) -> None:
    """So large that they are made in several strips and steps."""
    rng = np.random.default_rng(2)
    network = synthesis(rng, 64)
    maps = {
        "fine": random_map(rng, (301, 67), network.slots[0]),
        "coarse": random_map(rng, (151, 34), network.slots[1]),
    }
    expected = run_torch(network, maps)
    for kernels in network_kernels()[-1:] if threads == 1 else network_kernels():
        assert_same(run_native(network, maps, threads=threads, kernels=kernels), expected)


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_every_height_is_divided_without_a_trace(threads: int) -> None:
    """Also where strips are too low for all layers, and no more of them than fit."""
    rng = np.random.default_rng(4)
    network = synthesis(rng, 4)
    for height in (*range(1, 34), 47, 64, 101):
        coarse = (-(-height // 2), 3)
        maps = {
            "fine": random_map(rng, (height, 5), network.slots[0]),
            "coarse": random_map(rng, coarse, network.slots[1]),
        }
        assert_same(
            run_native(network, maps, threads=threads), run_native(network, maps, kernels="scalar")
        )


def test_a_workspace_is_used_again() -> None:
    """Frames do not see each other, and stages see what earlier ones left."""
    rng = np.random.default_rng(3)
    shape = Shape(8, 8)
    first = random_conv(rng, shape, (Channels("in"), Channels("middle", 4)), input_max_abs=100)
    second = random_conv(rng, shape, (Channels("middle", 4), Channels("out")), input_max_abs=2000)
    slots = (Slot("in", 8, 100, True), Slot("middle", 12, 2000), Slot("out", 8, 2000))
    network = Network(slots, (Stage("first", (first,)), Stage("second", (second,))))
    workspace = Workspace(native(network), {"in": (5, 6)})
    for _ in range(3):
        maps = {"in": random_map(rng, (5, 6), slots[0])}
        workspace.put("in", maps["in"])
        for stage in ("first", "second"):
            workspace.run(stage)
            maps = run_stage(network, stage, maps)
        assert_same({slot.name: workspace.get(slot.name) for slot in slots}, maps)
    assert workspace.multiplications("first") == 5 * 6 * 9 * 8 * 8
