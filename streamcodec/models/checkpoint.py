"""Weights files: a model's state_dict after update() as safetensors, with the metadata that tells what to construct.

tensors    the state_dict: weights of convolutions float16 (float32 if so wanted), other floats float32, tables and the exact scale
           path as integers
metadata   "format": "1"; "preset": name in the registry; "config": JSON object, the fields of the model's config that it was
           constructed with
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save
from torch import Tensor

from streamcodec.checks import parse_json
from streamcodec.errors import ModelError, OutputError
from streamcodec.models import registry
from streamcodec.models.base import CompressionModel, ImageModel, InterModel
from streamcodec.models.read_weights import read_safetensors

__all__ = ["FORMAT", "Checkpoint", "load_checkpoint", "model_id", "save_checkpoint"]

FORMAT = "1"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """`model`, made by `registry.create(preset, **config)`, in eval mode, float32, on the CPU. `id`: 16 bytes, the hash of the tensors."""

    preset: str
    config: Mapping[str, Any]
    id: bytes
    model: ImageModel | InterModel


def save_checkpoint(
    path: Path, model: CompressionModel, preset: str, *, half: bool = True, **config: Any
) -> bytes:
    """Write a model made by `registry.create(preset, **config)`, after update(); returns its id.

    `half`: the weights of convolutions become float16. ModelError if it has no tables, `preset` is not a known name or a weight is
    beyond float16; OutputError if the file cannot be written.
    """
    model.tables()
    fields = registry.config_of(preset) | config
    metadata = {"format": FORMAT, "preset": preset, "config": json.dumps(fields, sort_keys=True)}
    state = {key: _stored(key, value, half) for key, value in model.state_dict().items()}
    try:
        path.write_bytes(
            save(state, metadata)
        )  # save_file makes files that only their owner can read
    except (OSError, SafetensorError) as error:
        raise OutputError(f"cannot write the weights {path}: {error}") from error
    return model_id(state, registry.unseen(preset, fields))


def load_checkpoint(path: Path) -> Checkpoint:
    """Construct the model that a weights file holds and load it. ModelError if the file is missing, damaged or something else."""
    state, metadata = read_safetensors(path)
    preset, config, model = _construct(path, metadata, state)
    try:
        model.load_state_dict(state)
    except (RuntimeError, ModelError) as error:
        raise ModelError(f"the weights {path} do not fit the model {preset}: {error}") from error
    return Checkpoint(
        preset, config, model_id(state, registry.unseen(preset, config)), model.eval()
    )


def model_id(state: Mapping[str, Tensor], unseen: Mapping[str, Any] | None = None) -> bytes:
    """First 16 bytes of the SHA-256 over (key, dtype, shape, bytes) of all tensors, in the order of their keys.

    `unseen`: what else decoding depends on (registry.unseen), hashed before them as JSON if there is any.
    """
    digest = hashlib.sha256(json.dumps(dict(unseen), sort_keys=True).encode() if unseen else b"")
    for key in sorted(state):
        value = state[key].detach().cpu().contiguous()
        digest.update(
            f"{key} {str(value.dtype).removeprefix('torch.')} {list(value.shape)}\n".encode()
        )
        digest.update(value.view(-1).view(torch.uint8).numpy().tobytes())
    return digest.digest()[:16]


def _stored(key: str, value: Tensor, half: bool) -> Tensor:
    """As the file has it: the 4-D floats are the weights of convolutions."""
    value = value.detach().cpu().contiguous()
    if not (half and value.is_floating_point() and value.ndim == 4):
        return value
    if value.abs().max() > torch.finfo(torch.float16).max:
        raise ModelError(
            f"{key} holds {value.abs().max():.3g}; float16 goes to 65504: save the model with float32 weights (half=False)"
        )
    return value.half()


def _construct(
    path: Path, metadata: Mapping[str, str], state: Mapping[str, Tensor]
) -> tuple[str, dict[str, Any], ImageModel | InterModel]:
    """The model as its metadata have it, made only when its parameters are known to be in the file, about: it may ask for any size."""
    if metadata.get("format") != FORMAT or not {"preset", "config"} <= set(metadata):
        raise ModelError(
            f"{path} is not a weights file of format {FORMAT}: its metadata is {dict(metadata)}"
        )
    preset = metadata["preset"]
    try:
        config = parse_json(metadata["config"])
        wanted, found = registry.size_of(preset, config), sum(map(Tensor.numel, state.values()))
        if found < wanted // 2:
            raise ModelError(f"it takes {wanted} numbers, and the file has {found}")
        return preset, config, registry.create(preset, **config)
    except (
        ModelError,
        ValueError,
        TypeError,
        RuntimeError,
        LookupError,
        ArithmeticError,
    ) as error:  # what layers raise for impossible widths
        raise ModelError(
            f"the weights {path} have a damaged config: {metadata['config']!r}: {error}"
        ) from error
