"""Small files that ask for much, and ids that cover all that decoding depends on."""

import io
import json
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from streamcodec.container.format import pack_signed, pack_varint
from streamcodec.container.index import unpack_index
from streamcodec.errors import CorruptStreamError, ModelError
from streamcodec.models import create, import_checkpoint, load_checkpoint
from streamcodec.models.registry import config_of, names, size_of


def with_config(source: Path, target: Path, preset: str, config: dict[str, Any]) -> Path:
    metadata = {"format": "1", "preset": preset, "config": json.dumps(config)}
    save_file(load_file(source), target, metadata=metadata)
    return target


@pytest.mark.parametrize(
    "config",
    [
        {"N": 4096, "M": 4096},
        {"N": 10**9},
        {"M": 10**30},
        {"num_levels": 10**9},
        {"num_levels": 17},
        {"sigma0": 3000.0},
        {"sigma0": float("nan")},
        {"scale_field_shift": 1e300},
        {"N": True},
        {"N": 4.0},
        {"N": None},
    ],
    ids=str,
)
def test_config_that_asks_for_much_is_refused(tmp_path: Path, config: dict[str, Any]) -> None:
    path = tmp_path / "greedy.safetensors"
    metadata = {"format": "1", "preset": "ssf2020", "config": json.dumps(config)}
    save_file({}, path, metadata=metadata)
    assert path.stat().st_size < 300
    tracemalloc.start()
    with pytest.raises(ModelError, match="greedy"):
        load_checkpoint(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000


def test_id_covers_what_the_tensors_do_not_tell(tiny_weights: Path, tmp_path: Path) -> None:
    source = tiny_weights / "tiny-flow.safetensors"
    usual = {"N": 4, "M": 6, "num_levels": 5, "sigma0": 1.5, "scale_field_shift": 1.0}
    ids = {
        load_checkpoint(
            with_config(source, tmp_path / "a.safetensors", "ssf2020", {**usual, **changed})
        ).id
        for changed in ({}, {"num_levels": 4}, {"sigma0": 3.0}, {"scale_field_shift": 2.0})
    }
    assert len(ids) == 4
    assert load_checkpoint(source).id in ids  # the usual values change no id
    alone = with_config(source, tmp_path / "b.safetensors", "ssf2020", {"N": 4, "M": 6})
    assert load_checkpoint(alone).id == load_checkpoint(source).id


@pytest.mark.parametrize("name", names())
def test_size_is_known_before_a_model_is_made(name: str) -> None:
    fields = config_of(name)
    for widths in ({}, {"N": 24}, {"N": 24, "M": 10}):
        config = {field: value for field, value in widths.items() if field in fields}
        if not config and widths:
            continue
        with torch.device("meta"):
            made = create(name, **config)
        parameters = sum(parameter.numel() for parameter in made.parameters())
        assert size_of(name, config) == pytest.approx(parameters, rel=0.02)


def test_keys_and_shapes_tell_the_models_apart() -> None:
    with torch.device("meta"):
        shapes = [
            {key: value.shape for key, value in create(name).state_dict().items()}
            for name in names()
        ]
    for number, first in enumerate(shapes):
        assert first not in shapes[number + 1 :]


def test_archive_that_would_grow_is_refused(tmp_path: Path) -> None:
    file = io.BytesIO()
    torch.save({"a.weight": torch.zeros(4_000_000)}, file)
    path = tmp_path / "bomb.pth"
    with zipfile.ZipFile(file) as plain, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for member in plain.infolist():
            packed.writestr(member.filename, plain.read(member))
    assert path.stat().st_size < 100_000
    with pytest.raises(ModelError, match=r"would grow to 160\d+ bytes; accepted: up to"):
        import_checkpoint(path, tmp_path / "out.safetensors")
    assert [each.name for each in tmp_path.iterdir()] == ["bomb.pth"]


def test_index_of_more_gops_than_the_stream_has_room_for_is_refused_early() -> None:
    count = 1_000_000
    payload = pack_varint(count) + pack_signed(9) + pack_varint(0) + pack_signed(0)
    payload += b"\x01\x01\x20" * count
    tracemalloc.start()
    with pytest.raises(CorruptStreamError, match=r"1000000 GOPs are announced for a stream of"):
        unpack_index(payload, 3_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000
