"""Which model a state_dict is of: the architecture is told from the keys, its widths from the shapes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from streamcodec.errors import ModelError, UsageError
from streamcodec.models import registry
from streamcodec.models.exact.network import IntegerData
from streamcodec.models.registry import MAX_WIDTH

__all__ = ["Fit", "find_fit", "listed"]

WIDTHS = {
    "N": ("g_a.0.weight", "g_a.0.conv1.weight", "img_encoder.0.weight"),
    "M": ("g_a.6.weight", "img_encoder.6.weight"),
}
"""Field of a config -> keys of tensors whose first dimension it is."""

TABLES = ("_offset", "_quantized_cdf", "_cdf_length", "scale_table")
CONSTANTS = (
    "bound",
    "pedestal",
    "target",
    "scale_bound",
    "mask",
    "num_batches_tracked",
    "total_ops",
    "total_params",
)
"""Last parts of the keys of buffers that no training moves; the last three are left by batch norms and by profilers."""


@dataclass(frozen=True)
class Fit:
    """How well tensors fit the model `registry.create(preset, **config)`, each key in at most one of these.

    missing: parameters that the file lacks. misshapen: "key is SHAPE, not SHAPE". inside: tensors that the model does not have, in
    modules that it has: it must be another architecture. outside: tensors in other modules. made: tables and exact integer paths, which
    update() makes anew. constants: buffers that it does not have, or has in another shape. filled: buffers of its own that the file lacks.
    """

    preset: str
    config: dict[str, Any]
    missing: tuple[str, ...]
    misshapen: tuple[str, ...]
    inside: tuple[str, ...]
    outside: tuple[str, ...]
    made: tuple[str, ...]
    constants: tuple[str, ...]
    filled: tuple[str, ...]

    @property
    def label(self) -> str:
        """The name and the widths."""
        widths = [f"{name} = {self.config[name]}" for name in WIDTHS if self.config.get(name)]
        return f"{self.preset} ({', '.join(widths)})" if widths else self.preset

    @property
    def has_all(self) -> bool:
        """Whether the model can be loaded from the tensors, perhaps with some to spare that other modules have."""
        return not (self.missing or self.misshapen or self.inside)

    @property
    def distance(self) -> int:
        return len(self.missing) + len(self.misshapen) + len(self.inside) + len(self.outside)

    def describe(self) -> str:
        """What is wrong, with names."""
        faults = {
            "missing": self.missing,
            "of another shape": self.misshapen,
            "too many": self.inside + self.outside,
        }
        return "; ".join(
            f"{len(names)} {fault}: {listed(names)}" for fault, names in faults.items() if names
        )


def find_fit(tensors: Mapping[str, Tensor], preset: str | None = None) -> Fit:
    """The model that the tensors, under today's keys, are of; or, if `preset` is given, how they fit that one.

    Without `preset`, nothing may be to spare. ModelError, which says what is missing or too many, if none fits or several do.
    """
    if preset is not None:
        fit = _fit(preset, tensors)
        if not fit.has_all:
            raise ModelError(f"the weights do not fit the model {fit.label}: {fit.describe()}")
        return fit
    fits = sorted(
        (_fit(name, tensors) for name in registry.names() if "N" in registry.config_of(name)),
        key=lambda fit: fit.distance,
    )
    exact = [fit for fit in fits if fit.distance == 0]
    if len(exact) > 1:
        raise ModelError(
            f"the weights fit {' and '.join(fit.preset for fit in exact)} alike; say which it is (--model NAME)"
        )
    if not exact:
        raise ModelError(_no_fit(fits))
    return exact[0]


def listed(names: tuple[str, ...], most: int = 6) -> str:
    """The first names, and how many there are beyond them."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _no_fit(fits: list[Fit]) -> str:
    spare = next((fit for fit in fits if fit.has_all), None)
    if spare is not None:
        return (
            f"the weights hold all of {spare.label} and {len(spare.outside)} tensors in modules that it does not have: "
            f"{listed(spare.outside)}; if these do not belong to the model, say so with --model {spare.preset}"
        )
    known = ", ".join(fit.preset for fit in fits)
    return f"the weights are of no known model ({known}); the nearest is {fits[0].label}: {fits[0].describe()}"


def _fit(preset: str, tensors: Mapping[str, Tensor]) -> Fit:
    config = registry.config_of(preset)
    config |= {field: width for field in config if (width := _width(field, tensors)) is not None}
    return _compare(preset, config, _layout(preset, tuple(config.items())), tensors)


def _width(field: str, tensors: Mapping[str, Tensor]) -> int | None:
    found = next((tensors[key] for key in WIDTHS.get(field, ()) if key in tensors), None)
    if found is None or found.ndim == 0:
        return None
    if not 1 <= found.shape[0] <= MAX_WIDTH:
        raise ModelError(f"{field} is {found.shape[0]} in the weights; accepted: 1..{MAX_WIDTH}")
    return found.shape[0]


@dataclass(frozen=True)
class _Layout:
    """Of a model without tables: shapes of its parameters and buffers; what the keys begin with that update() makes."""

    parameters: dict[str, torch.Size]
    buffers: dict[str, torch.Size]
    exact: tuple[str, ...]


@lru_cache(maxsize=64)
def _layout(preset: str, config: tuple[tuple[str, Any], ...]) -> _Layout:
    try:
        with torch.device("meta"):
            model = registry.create(preset, **dict(config))
    except (RuntimeError, UsageError, ValueError) as error:
        raise ModelError(f"no model {preset} can be made with {dict(config)}: {error}") from error
    return _Layout(
        parameters={key: parameter.shape for key, parameter in model.named_parameters()},
        buffers={key: buffer.shape for key, buffer in model.named_buffers() if not _is_table(key)},
        exact=tuple(
            f"{name}." for name, module in model.named_modules() if isinstance(module, IntegerData)
        ),
    )


def _compare(
    preset: str, config: dict[str, Any], layout: _Layout, tensors: Mapping[str, Tensor]
) -> Fit:
    parameters, buffers = layout.parameters, layout.buffers
    made = tuple(key for key in tensors if _is_table(key) or key.startswith(layout.exact))
    others = [key for key in tensors if key not in parameters and key not in made]
    usable = {key for key in others if key in buffers and tensors[key].shape == buffers[key]}
    constants = tuple(key for key in others if key not in usable and _last(key) in CONSTANTS)
    extra = [key for key in others if key not in usable and key not in constants]
    own = {key.split(".")[0] for key in parameters}
    return Fit(
        preset,
        config,
        missing=tuple(key for key in parameters if key not in tensors),
        misshapen=tuple(
            f"{key} is {tuple(tensors[key].shape)}, not {tuple(shape)}"
            for key, shape in parameters.items()
            if key in tensors and tensors[key].shape != shape
        ),
        inside=tuple(key for key in extra if key.split(".")[0] in own),
        outside=tuple(key for key in extra if key.split(".")[0] not in own),
        made=made,
        constants=constants,
        filled=tuple(key for key in buffers if key not in usable),
    )


def _is_table(key: str) -> bool:
    return _last(key) in TABLES


def _last(key: str) -> str:
    return key.rpartition(".")[2]
