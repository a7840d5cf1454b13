"""Weights files: a model's state_dict after update() as safetensors, with the metadata that tells what to construct.

tensors    the state_dict: weights of convolutions float16, other floats float32, tables and the exact scale path as integers
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
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from streamcodec.errors import ModelError
from streamcodec.models import registry
from streamcodec.models.base import CompressionModel, ImageModel, InterModel

__all__ = ["Checkpoint", "load_checkpoint", "model_id", "save_checkpoint"]

FORMAT = "1"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """`model` in eval mode, float32, on the CPU. `id`: 16 bytes, the hash of the file's tensors."""

    preset: str
    id: bytes
    model: ImageModel | InterModel


def save_checkpoint(path: Path, model: CompressionModel, preset: str, **config: Any) -> bytes:
    """Write a model made by `registry.create(preset, **config)`, after update(); returns its id.

    ModelError if it has no tables or `preset` is not a known name.
    """
    model.tables()
    fields = registry.config_of(preset) | config
    metadata = {"format": FORMAT, "preset": preset, "config": json.dumps(fields, sort_keys=True)}
    state = {key: _stored(value) for key, value in model.state_dict().items()}
    save_file(state, path, metadata)
    return model_id(state)


def load_checkpoint(path: Path) -> Checkpoint:
    """Construct the model that a weights file holds and load it. ModelError if the file is missing, damaged or something else."""
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"cannot read the weights {path}: {error}") from error
    preset, model = _construct(path, metadata)
    try:
        model.load_state_dict(state)
    except (RuntimeError, ModelError) as error:
        raise ModelError(f"the weights {path} do not fit the model {preset}: {error}") from error
    return Checkpoint(preset, model_id(state), model.eval())


def model_id(state: Mapping[str, Tensor]) -> bytes:
    """First 16 bytes of the SHA-256 over (key, dtype, shape, bytes) of all tensors, in the order of their keys."""
    digest = hashlib.sha256()
    for key in sorted(state):
        value = state[key].detach().cpu().contiguous()
        digest.update(f"{key} {str(value.dtype).removeprefix('torch.')} {list(value.shape)}\n".encode())
        digest.update(value.view(-1).view(torch.uint8).numpy().tobytes())
    return digest.digest()[:16]


def _stored(value: Tensor) -> Tensor:
    """As the file has it: the 4-D floats are the weights of convolutions."""
    value = value.detach().cpu().contiguous()
    return value.half() if value.is_floating_point() and value.ndim == 4 else value


def _construct(path: Path, metadata: Mapping[str, str]) -> tuple[str, ImageModel | InterModel]:
    if metadata.get("format") != FORMAT or not {"preset", "config"} <= set(metadata):
        raise ModelError(f"{path} is not a weights file of format {FORMAT}: its metadata is {dict(metadata)}")
    try:
        config = json.loads(metadata["config"])
        return metadata["preset"], registry.create(metadata["preset"], **config)
    except (ValueError, TypeError, RuntimeError) as error:
        raise ModelError(f"the weights {path} have a damaged config: {metadata['config']!r}") from error
