"""Checkpoints of CompressAI's models into weights files.

The weights stay as they are, float32. The probability tables and the exact scale paths are made anew from them: CompressAI's tables
have another precision, and its scale paths run in floats. So a checkpoint gives the same model, with the same id, whatever its age,
its wrapper, and whether it was saved before or after update().
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import takewhile
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from streamcodec.checks import check_path
from streamcodec.errors import ModelError, UsageError
from streamcodec.files import check_target, replace_on_success
from streamcodec.models import registry
from streamcodec.models.base import CompressionModel
from streamcodec.models.checkpoint import FORMAT, save_checkpoint
from streamcodec.models.importing.fit import Fit, find_fit, listed
from streamcodec.models.layers.masked import MaskedConv2d
from streamcodec.models.published_keys import current_key, unwrap
from streamcodec.models.read_weights import read_weights
from streamcodec.models.zoo.ssf import ScaleSpaceFlow

__all__ = ["ImportReport", "ImportedFile", "import_checkpoint"]

SUFFIX = ".safetensors"


@dataclass(frozen=True)
class ImportedFile:
    """A weights file that was written. `id`: of the model, in hex."""

    path: Path
    preset: str
    id: str
    parameters: int


@dataclass(frozen=True)
class ImportReport:
    """What became of a checkpoint. `config`: of the model `preset`, as read from the shapes.

    wrappers: names around the state_dict, outermost first. ignored: what stands beside it (optimizers, the epoch) or in it without
    being a tensor. renamed: number of keys in another spelling than today's. unused: tensors of modules that the model does not have.
    replaced: tables and exact integer paths that were made anew. constants: buffers that the model has no use for. filled: buffers that
    were missing and have their usual values.
    """

    source: Path
    preset: str
    config: Mapping[str, Any]
    wrappers: tuple[str, ...]
    ignored: tuple[str, ...]
    renamed: int
    unused: tuple[str, ...]
    replaced: tuple[str, ...]
    constants: tuple[str, ...]
    filled: tuple[str, ...]
    files: tuple[ImportedFile, ...]


@dataclass(frozen=True)
class _Published:
    """Tensors under today's keys; the rest as in ImportReport."""

    tensors: dict[str, Tensor]
    wrappers: tuple[str, ...]
    ignored: tuple[str, ...]
    renamed: int


def import_checkpoint(
    source: str | PathLike[str],
    out: str | PathLike[str],
    *,
    model: str | None = None,
    half: bool = False,
    overwrite: bool = False,
) -> ImportReport:
    """Make the weights file `out` (.safetensors) of a checkpoint of CompressAI's image models or of ssf2020.

    ssf2020 gives two files: `out` for P-frames, and beside it NAME-image.safetensors for I-frames. `model`: the name of the
    architecture, where it cannot be told from the keys. `half`: weights of convolutions in float16, half the size.

    Nothing in the file is run. ModelError if it cannot be read, is of no known model, lacks a tensor, holds NaN or cannot be made
    exact; OutputError if `out` exists (unless `overwrite`) or cannot be written; UsageError if it has another suffix.
    """
    path, target = Path(check_path("checkpoint", source)), Path(check_path("output", out))
    if target.suffix != SUFFIX:
        raise UsageError(f"output is {target}; accepted: a name that ends in {SUFFIX}")
    check_target(target, overwrite=overwrite)
    published = _read(path)
    try:
        fit = find_fit(published.tensors, model)
        built = _build(fit, published.tensors)
    except ModelError as error:
        raise ModelError(f"cannot import {path}: {error}") from error
    files = _write(built, fit, target, half=half, overwrite=overwrite)
    return ImportReport(
        source=path,
        preset=fit.preset,
        config=fit.config,
        wrappers=published.wrappers,
        ignored=published.ignored,
        renamed=published.renamed,
        unused=fit.outside,
        replaced=tuple(key for key in fit.made if published.tensors[key].numel()),
        constants=fit.constants,
        filled=fit.filled,
        files=files,
    )


def _read(path: Path) -> _Published:
    content, metadata = read_weights(path)
    if metadata.get("format") == FORMAT and "preset" in metadata:
        raise ModelError(
            f"{path} is a weights file already, of {metadata['preset']}: use it as it is"
        )
    state, wrappers, ignored = unwrap(content)
    named = {
        key: value
        for key, value in state.items()
        if isinstance(key, str) and isinstance(value, Tensor)
    }
    ignored += tuple(str(key) for key in state if key not in named)
    if not named:
        raise ModelError(
            f"{path} holds no tensors, but {listed(ignored) or 'nothing'}; accepted: a state_dict, or a dict with one inside"
        )
    tensors = {current_key(key): value for key, value in _without_common_prefix(named).items()}
    if len(tensors) < len(named):
        raise ModelError(
            f"{path} holds {len(named) - len(tensors)} tensors twice, in two spellings of their keys"
        )
    return _Published(tensors, wrappers, ignored, sum(key not in named for key in tensors))


def _without_common_prefix(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Without the names of modules that hold the whole model: no model has all its tensors in one part."""
    modules = zip(*(key.split(".")[:-1] for key in state), strict=False)
    length = sum(
        len(names[0]) + 1 for names in takewhile(lambda names: len(set(names)) == 1, modules)
    )
    return {key[length:]: value for key, value in state.items()}


def _build(fit: Fit, tensors: Mapping[str, Tensor]) -> CompressionModel:
    """The model with these weights, in eval mode, with tables and exact paths."""
    dropped = {*fit.outside, *fit.made, *fit.constants}
    kept = {key: value for key, value in tensors.items() if key not in dropped}
    for key, value in kept.items():
        _require_whole(key, value)
    model = registry.create(fit.preset, **fit.config)  # as large as the tensors: they are all there
    own = model.state_dict()
    model.load_state_dict(
        {**own, **{key: _checked(key, value, own[key]) for key, value in kept.items()}}
    )
    _clear_masked(model)
    model.eval().update()
    return model


@torch.no_grad()
def _clear_masked(model: CompressionModel) -> None:
    """Set to 0 what the masks leave out: CompressAI does so when a model first runs, and only that may tell two checkpoints apart."""
    for module in model.modules():
        if isinstance(module, MaskedConv2d):
            module.weight.mul_(module.mask)


def _require_whole(key: str, value: Tensor) -> None:
    """ModelError for a tensor that takes less room than its values: it can say that it is of any size."""
    if value.layout != torch.strided or value.device.type != "cpu":
        raise ModelError(
            f"{key} is {value.dtype}, {value.layout}, on {value.device}; accepted: dense numbers"
        )
    if value.numel() * value.element_size() > value.untyped_storage().nbytes():
        raise ModelError(f"{key} is damaged: its {value.numel()} values are not all there")


def _checked(key: str, value: Tensor, own: Tensor) -> Tensor:
    """`value` if it can stand for `own`, of the same shape. ModelError if it is of another kind or not finite."""
    if value.is_floating_point() != own.is_floating_point():
        raise ModelError(f"{key} is {value.dtype}; accepted: numbers like {own.dtype}")
    value = value.to(own.dtype)
    if not value.isfinite().all():
        raise ModelError(
            f"{key} holds NaN or infinity in {int((~value.isfinite()).sum())} of {value.numel()} places"
        )
    return value


def _write(
    model: CompressionModel, fit: Fit, target: Path, *, half: bool, overwrite: bool
) -> tuple[ImportedFile, ...]:
    """All files appear, or none."""
    parts = [(fit.preset, model, fit.config, target)]
    if isinstance(model, ScaleSpaceFlow):
        image = {field: fit.config[field] for field in registry.config_of("ssf2020-image")}
        parts.append(
            ("ssf2020-image", model.image, image, target.with_name(f"{target.stem}-image{SUFFIX}"))
        )
    files = []
    with ExitStack() as stack:
        for preset, part, config, path in parts:
            temporary = stack.enter_context(replace_on_success(path, overwrite=overwrite))
            model_id = save_checkpoint(temporary, part, preset, half=half, **config)
            files.append(
                ImportedFile(
                    path,
                    preset,
                    model_id.hex(),
                    sum(parameter.numel() for parameter in part.parameters()),
                )
            )
    return tuple(files)
