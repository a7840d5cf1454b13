"""Programs: to arrays and back, and what is refused."""

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from streamcodec._native import Workspace
from streamcodec.engine import (
    Channels,
    Conv,
    DepthToSpace,
    Network,
    Slot,
    Stage,
    from_arrays,
    to_arrays,
    to_config,
)
from streamcodec.engine.native import native
from streamcodec.errors import ModelError, UsageError

from .networks import Shape, random_conv, random_map, run_native, single, synthesis


def conv(**changes: object) -> Conv:
    made = random_conv(
        np.random.default_rng(0),
        Shape(4, 6),
        (Channels("in"), Channels("out")),
        input_max_abs=100,
        has_slope=True,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_arrays_and_json_hold_the_whole_network() -> None:
    rng = np.random.default_rng(0)
    network = synthesis(rng)
    arrays = to_arrays(network)
    again = from_arrays(json.loads(json.dumps(to_config(network))), arrays)
    assert again.slots == network.slots
    assert to_config(again) == to_config(network)
    assert to_arrays(again).keys() == arrays.keys()
    maps = {
        "fine": random_map(rng, (6, 8), network.slots[0]),
        "coarse": random_map(rng, (3, 4), network.slots[1]),
    }
    for name, values in run_native(network, maps, condition=5).items():
        np.testing.assert_array_equal(run_native(again, maps, condition=5)[name], values)


def test_a_damaged_description_fails() -> None:
    network = synthesis(np.random.default_rng(0))
    config, arrays = to_config(network), to_arrays(network)
    with pytest.raises(ModelError, match=r"lacks 'all\.2\.bias'"):
        from_arrays(config, {name: array for name, array in arrays.items() if name != "all.2.bias"})
    with pytest.raises(ModelError, match=r"all\.2\.bias is int16; accepted: int32"):
        from_arrays(config, {**arrays, "all.2.bias": arrays["all.2.bias"].astype(np.int16)})
    with pytest.raises(ModelError, match=r"bias is int32 \(1,\); accepted: int32 \(24,\)"):
        from_arrays(config, {**arrays, "all.2.bias": arrays["all.2.bias"][:1]})
    with pytest.raises(ModelError, match="lacks 'slots'"):
        from_arrays({"stages": []}, arrays)
    with pytest.raises(ModelError, match="lacks 'dance'"):
        from_arrays(
            {
                "slots": [],
                "stages": [
                    {
                        "name": "a",
                        "layers": [{"kind": "dance", "input": ["a", 0], "output": ["b", 0]}],
                    }
                ],
            },
            {},
        )


def test_arrays_of_other_types_fail() -> None:
    with pytest.raises(UsageError, match="weights are int32"):
        conv(weights=np.zeros((6, 9, 4), np.int32))
    with pytest.raises(UsageError, match=r"shift is int32 \(5,\); accepted: int32 \(6,\)"):
        conv(shift=np.zeros(5, np.int32))


BIG = np.full((6, 9, 4), 32767, np.int16)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: conv(stride=3), "stage 'all', layer 0: stride is 3; accepted: 1 .. 2"),
        (lambda: conv(origin=(0, 1)), "origin_x is 1; accepted: 0 .. 0"),
        (lambda: conv(taps=((17, 0),) * 9), "dy of a tap is 17; accepted: -16 .. 16"),
        (lambda: conv(shift=np.full(6, 25, np.int32)), "a shift is 25; accepted: 0 .. 24"),
        (lambda: conv(shift=np.full(6, -1, np.int32)), "a shift is -1; accepted: 0 .. 24"),
        (lambda: conv(low=5, high=4), "high is 4; accepted: 5 .. 5"),
        (
            lambda: conv(input=Channels("in", 1)),
            "input is 4 channels from 1 on of slot 'in', which has 4",
        ),
        (lambda: conv(output=Channels("out", -1)), "output is 6 channels from -1 on"),
        (lambda: conv(output=Channels("in")), "output is 6 channels from 0 on of slot 'in'"),
        (
            lambda: conv(add=Channels("out")),
            "add reads channel 0 of slot 'out', which is not written before",
        ),
        (lambda: conv(bias=np.full(6, -(2**31), np.int32)), "the sum of output 0 can come to"),
        (lambda: conv(slope=np.full(6, 2**23, np.int32)), "the sum of output 0 can come to"),
        (lambda: conv(taps=(), weights=np.zeros((6, 0, 4), np.int16)), "the number of taps is 0"),
    ],
)
def test_a_layer_that_is_not_sound_fails(make: Callable[[], Conv], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        native(single(make(), 100, channels=4))


def test_a_sum_that_could_overflow_fails() -> None:
    weights = np.full((1, 1, 1), 2, np.int16)
    numbers = {"taps": ((0, 0),), "weights": weights, "shift": np.zeros(1, np.int32), "slope": None}
    largest = 2**31 - 1 - 2 * 1000

    def network(bias: int) -> Network:
        return single(conv(**numbers, bias=np.array([bias], np.int32)), 1000)

    native(network(largest))
    native(network(-largest))
    for bias in (largest + 1, -largest - 1):
        with pytest.raises(UsageError, match=r"can come to 2147483648; accepted: below 2\^31"):
            native(network(bias))


def test_a_program_that_is_not_sound_fails() -> None:
    slots = (Slot("in", 4, 100, True), Slot("out", 6, 2000))

    def refused(
        message: str, layers: tuple[Conv | DepthToSpace, ...], changed: tuple[Slot, ...] = slots
    ) -> None:
        with pytest.raises(UsageError, match=message):
            native(Network(changed, (Stage("all", layers),)))

    refused("for the second time in this stage", (conv(), conv()))
    refused("slot 'out': channels is 0", (), (Slot("out", 0, 1),))
    refused("slot 'out': max_abs is 32768", (), (Slot("out", 1, 32768),))
    refused("not the only one", (), (slots[0], slots[0]))
    refused(
        "reads channel 0 of slot 'in', which is not written before",
        (conv(),),
        (replace(slots[0], is_given=False), slots[1]),
    )
    refused(
        "the number of channels is 1073741824; accepted: 1 .. 4096",
        (DepthToSpace(Channels("in"), Channels("out"), 2**30),),
    )
    refused(
        "the input's max_abs is 100; accepted: 1 .. 50",
        (DepthToSpace(Channels("in"), Channels("out"), 1),),
        (slots[0], Slot("out", 1, 50)),
    )
    with pytest.raises(UsageError, match="not the only one"):
        native(Network(slots, (Stage("all", ()), Stage("all", ()))))
    with pytest.raises(UsageError, match="no slot is called 'none'; accepted: in, out"):
        native(Network(slots, (Stage("all", (conv(input=Channels("none")),)),)))


def test_sizes_and_values_that_do_not_fit_fail() -> None:
    network = synthesis(np.random.default_rng(0))
    engine = native(network)
    for sizes, message in (
        ({"fine": (4, 4)}, "slot 'coarse' is given the size 0x0; accepted: 1 .. 65536 each"),
        ({"fine": (9, 4), "coarse": (4, 4)}, "layer 1: makes 8x8 of slot 'fine', which is 9x4"),
        ({"fine": (4, 4), "coarse": (40000, 2)}, "makes 80000x4; accepted: sides up to 65536"),
        (
            {"fine": (4, 4), "coarse": (2, 2), "a": (4, 4)},
            "slot 'a' is given the size 4x4; accepted: 0 .. 0 each",
        ),
        ({"none": (4, 4)}, "no slot is called 'none'"),
    ):
        with pytest.raises(UsageError, match=message):
            Workspace(engine, sizes)
    workspace = Workspace(engine, {"fine": (4, 4), "coarse": (2, 2)})
    for values, message in (
        (np.zeros((4, 4, 31), np.int16), r"fine is \(4, 4, 31\); accepted: \(4, 4, 32\)"),
        (np.zeros((4, 4, 32), np.int32), "fine is int32"),
        (np.full((4, 4, 32), -3001, np.int16), r"fine holds -3001; accepted: within \+-3000"),
        (np.full((4, 4, 32), -32768, np.int16), "fine holds -32768"),
    ):
        with pytest.raises(UsageError, match=message):
            workspace.put("fine", values)  # type: ignore[arg-type]
    for options, message in (
        ({"condition": 257}, r"condition is 257; accepted: within \+-256"),
        ({"threads": 0}, "threads is 0; accepted: 1 .. 256"),
        ({"kernels": "fast"}, "no loops are called 'fast'; accepted on this CPU: scalar"),
    ):
        with pytest.raises(UsageError, match=message):
            workspace.run("all", **options)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="no stage is called 'none'"):
        workspace.run("none")
