"""Weights files: back as they went, and refused where they are not right."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from streamcodec.codec.dct_weights import (
    DctWeights,
    Kind,
    load_dct_weights,
    save_dct_weights,
)
from streamcodec.engine import Network, Slot, Stage, log_table
from streamcodec.entropy.tables import CERTAIN, TableData, stack_tables
from streamcodec.errors import ModelError, OutputError

from .pictures import HADAMARD, picture, weights_of


@pytest.mark.parametrize("sets", [1, 3])
@pytest.mark.parametrize("kind", ["intra", "inter"])
def test_files(kind: Kind, sets: int, tmp_path: Path) -> None:
    weights = weights_of(kind, sets=sets)
    path = tmp_path / "model.safetensors"
    identity = save_dct_weights(path, weights, trained_on="nothing")
    loaded = load_dct_weights(path)
    assert loaded.id == identity == weights.id
    assert loaded.kind == kind
    for name, array in weights.arrays().items():
        np.testing.assert_array_equal(loaded.arrays()[name], array)
    assert (loaded.sets, loaded.config()["format"]) == (sets, 3 if sets > 1 else 2)
    loaded.native()


def test_files_of_format_3(tmp_path: Path) -> None:
    path, weights = tmp_path / "model", weights_of("inter", hadamard=HADAMARD)
    assert save_dct_weights(path, weights) == weights.id
    loaded = load_dct_weights(path)
    assert loaded.config()["format"] == 3
    assert loaded.hadamard == HADAMARD
    others = [replace(weights, hadamard=channels) for channels in ((), HADAMARD[:2])]
    assert len({each.id for each in (weights, *others)}) == 3
    assert others[0].config()["format"] == 2
    assert weights_of("inter").config()["format"] == 2


@pytest.mark.parametrize("value", [None, 3, [96], [-1], [1, 0], [1, 1], [True], [1.0], ["1"]])
def test_hadamard_channels_fail(value: Any) -> None:
    weights = weights_of("inter", hadamard=HADAMARD)
    config = {**weights.config(), "hadamard": value}
    with pytest.raises(ModelError, match="hadamard"):
        DctWeights.of(config, weights.arrays())


@pytest.mark.parametrize("channels", [(96,), (-1,), (1, 0), (1, 1)])
def test_hadamard_numbers_fail(channels: tuple[int, ...]) -> None:
    weights = weights_of("inter", hadamard=HADAMARD)
    with pytest.raises(ModelError, match="hadamard has"):
        replace(weights, hadamard=channels).native()


def test_hadamard_is_no_matter_of_i_frames() -> None:
    weights = weights_of("intra")
    with pytest.raises(ModelError, match="of kind inter"):
        DctWeights.of({**weights.config(), "format": 3, "hadamard": [0]}, weights.arrays())


def test_missing_grids_fail() -> None:
    weights = weights_of("inter", hadamard=HADAMARD)
    stages = tuple(each for each in weights.network.stages if each.name != "hadamard_a11")
    with pytest.raises(ModelError, match="hadamard_a11"):
        replace(weights, network=Network(weights.network.slots, stages)).native()


def test_files_decode_the_same(tmp_path: Path) -> None:
    weights = weights_of("intra")
    save_dct_weights(tmp_path / "a", weights)
    frame = picture(32, 32, 0)
    model = load_dct_weights(tmp_path / "a").native()
    assert model.encode(frame, 9)[0] == weights.native().encode(frame, 9)[0]


def test_id_depends_on_everything() -> None:
    weights = weights_of("intra")
    high = replace(weights.network.stages[0].layers[0], high=8000)
    stages = (
        Stage("hyper", (high, *weights.network.stages[0].layers[1:])),
        *weights.network.stages[1:],
    )
    others = [
        replace(weights, network=Network(weights.network.slots, stages)),
        replace(weights, step=weights.step + 1),
        weights_of("intra", 1),
    ]
    assert len({each.id for each in (weights, *others)}) == 4


def test_files_fail(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    with pytest.raises(ModelError, match="cannot read"):
        load_dct_weights(path)
    path.write_bytes(b"no weights")
    with pytest.raises(ModelError, match="cannot read"):
        load_dct_weights(path)
    with pytest.raises(OutputError, match="cannot write"):
        save_dct_weights(tmp_path / "missing" / "model", weights_of("intra"))
    weights = weights_of("intra")
    for config in ({}, {"format": 4, "kind": "intra"}, {"format": 2, "kind": "film"}):
        with pytest.raises(ModelError, match="format"):
            DctWeights.of(config, weights.arrays())
    for sets in (None, "2", 0, 5, 2.0):
        with pytest.raises(ModelError, match="sets of rows"):
            DctWeights.of(weights.config() | {"format": 3, "sets": sets}, weights.arrays())
    arrays = weights.arrays()
    for name in ("step", "offset", "linear_channels", "network.synthesis.0.bias"):
        with pytest.raises(ModelError, match=name.removeprefix("network.")):
            DctWeights.of(
                weights.config(), {key: value for key, value in arrays.items() if key != name}
            )


@pytest.mark.parametrize("kind", ["BF16", "F8_E4M3"])
def test_numbers_that_numpy_has_not_fail(kind: str, tmp_path: Path) -> None:
    weights = weights_of("intra")
    path = tmp_path / "model.safetensors"
    save_dct_weights(path, weights)
    size = 2 if kind == "BF16" else 1
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    head = json.loads(data[8:start])
    first, end = head["step"]["data_offsets"]
    head["step"] |= {"dtype": kind, "shape": [(end - first) // size]}
    text = json.dumps(head).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data[start:])
    with pytest.raises(ModelError, match="cannot read the weights"):
        load_dct_weights(path)


def changed(array: Any, value: int) -> Any:
    copy = array.copy()
    copy.flat[7] = value
    return copy


NUMBERS = [
    ("intra", "step", 63, "step"),
    ("intra", "step", 24577, "step"),
    ("inter", "step", 65536, "step"),
    ("inter", "gain", 0, "gain"),
    ("inter", "gain", 2**18 + 1, "gain"),
    ("intra", "rd_lambda", -1, "rd_lambda"),
    ("intra", "log_table", 3000, "falls"),
    ("intra", "log_table", -1, "log_table"),
    ("inter", "extra", 0, "motion_lambda"),
]


@pytest.mark.parametrize(("kind", "name", "value", "message"), NUMBERS)
def test_numbers_fail(kind: Kind, name: str, value: int, message: str) -> None:
    weights = weights_of(kind)
    with pytest.raises(ModelError, match=message):
        replace(weights, **{name: changed(getattr(weights, name), value)}).native()


@pytest.mark.parametrize("name", ["step", "gain", "rd_lambda", "log_table", "extra"])
def test_shapes_fail(name: str) -> None:
    for kind in ("intra", "inter"):
        weights = weights_of(kind)
        array = getattr(weights, name)
        with pytest.raises(ModelError):
            replace(
                weights, **{name: array[:-1] if kind == "inter" else np.concatenate((array, array))}
            ).native()
        with pytest.raises(ModelError):
            replace(weights, **{name: array.astype(np.float64)}).native()


@pytest.mark.parametrize("channels", [[], [3, 3], [5, 2], [-1], [96]])
def test_linear_channels_fail(channels: list[int]) -> None:
    weights = weights_of("intra")
    with pytest.raises(ModelError):
        replace(weights, extra=np.array(channels, np.int32)).native()


def test_tables_fail() -> None:
    for kind in ("intra", "inter"):
        weights = weights_of(kind)
        rows = [weights.tables.table(row) for row in range(weights.tables.rows)]
        coded_first = stack_tables([rows[5], *rows[1:]])
        other_value = stack_tables([rows[0], replace(CERTAIN, offset=1), *rows[2:]])
        far = stack_tables([*rows[:5], replace(rows[5], offset=2047), *rows[6:]])
        few = stack_tables(rows[:-1])
        for tables in (coded_first, other_value, far, few, stack_tables(rows[:60])):
            with pytest.raises(ModelError, match="row"):
                replace(weights, tables=tables).native()


@pytest.mark.parametrize("kind", ["intra", "inter"])
def test_sets_fail(kind: Kind) -> None:
    weights = weights_of(kind, sets=3)
    rows = [weights.tables.table(row) for row in range(weights.tables.rows)]
    coded_first = stack_tables([*rows[:-64], rows[5], *rows[-63:]])
    fewer = stack_tables(rows[:-1])
    for tables in (coded_first, fewer, weights_of(kind).tables):
        with pytest.raises(ModelError, match="row"):
            replace(weights, tables=tables).native()
    for sets in (0, 5):
        with pytest.raises(ModelError, match=r"sets of rows .*1\.\.4"):
            replace(weights, sets=sets).native()


def test_networks_fail() -> None:
    for kind in ("intra", "inter"):
        weights = weights_of(kind)
        network = weights.network
        for slot in network.slots:
            if (
                slot.is_given
                and slot.max_abs > 100
                and slot.name not in ("z", "hyper_half", "hyper")
            ):
                small = tuple(
                    replace(each, max_abs=100) if each is slot else each for each in network.slots
                )
                with pytest.raises(ModelError, match=slot.name):
                    replace(weights, network=Network(small, network.stages)).native()
        more = (*network.slots, Slot("other", 3, 10, True))
        with pytest.raises(ModelError, match="given"):
            replace(weights, network=Network(more, network.stages)).native()
        for stage in network.stages:
            fewer = tuple(each for each in network.stages if each is not stage)
            with pytest.raises(ModelError, match=r"stage|slot"):
                replace(weights, network=Network(network.slots, fewer)).native()


@pytest.mark.parametrize("value", [1 << 31, 1 << 63, 10**30, 1.5, 1e300, float("inf"), "2", None])
def test_numbers_of_the_network_fail(value: Any) -> None:
    """Every number in turn, of every kind of layer."""
    weights = weights_of("inter")
    text = json.dumps(weights.config())
    places = [
        *(("slots", 0, key) for key in ("channels", "max_abs")),
        *(("stages", 0, "layers", 0, key) for key in ("stride", "low", "high")),
        *(("stages", 0, "layers", 0, *rest) for rest in (("origin", 1), ("taps", 0, 1))),
        *(("stages", 0, "layers", 0, end, 1) for end in ("input", "output")),
    ]
    for *folders, last in places:
        config = json.loads(text)
        at = config["network"]
        for name in folders:
            at = at[name]
        at[last] = value
        with pytest.raises(ModelError, match="network is damaged"):
            DctWeights.of(config, weights.arrays())


def test_names_of_slots_do_not_make_a_long_message() -> None:
    weights = weights_of("inter")
    config = weights.config()
    config["network"]["slots"] = [
        {**slot, "name": "\x1b" * 10_000} for slot in config["network"]["slots"]
    ]
    with pytest.raises(ModelError, match="no slot") as raised:
        DctWeights.of(config, weights.arrays()).native()
    assert len(str(raised.value)) < 20_000
    assert "\x1b" not in str(raised.value)


def test_log_table() -> None:
    table = log_table()
    assert table[[0, 16, 4095]].tolist() == [0, 177, 1421]
    assert TableData.join(weights_of("inter").tables).rows == weights_of("inter").tables.rows
