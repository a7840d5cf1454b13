"""From a trained float model to the integers that code: the content of a weights file (streamcodec/codec/dct_weights.py)."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from streamcodec.engine import Network, Stage, log_table, to_arrays, to_config
from streamcodec.entropy.tables import CERTAIN, Table, TableData, fit_table, stack_tables
from streamcodec.models.dct.inter import DctInter, all_index_names
from streamcodec.models.dct.intra import LINEAR, LINEAR_UNIT, DctIntra
from streamcodec.models.dct.layers import FloatNetwork
from streamcodec.models.dct.quantize import HIDDEN_LIMIT, Form, fraction_bits, quantize_stage
from streamcodec.models.dct.scales import (
    LARGEST_SYMBOL,
    LOG_SCALE_STEP,
    ROWS,
    SMALLEST_LOG_SCALE,
    SymbolCounts,
)
from streamcodec.models.dct.transforms import CHANNELS
from streamcodec.quality import motion_lambda_16, q_of
from streamcodec.types import QUALITIES

__all__ = [
    "Exported",
    "Forms",
    "export_inter",
    "export_intra",
    "float_network",
    "inter_forms",
    "intra_forms",
    "observed_peaks",
    "scale_tables",
]

Exported = tuple[dict[str, NDArray[Any]], dict[str, Any]]
"""Arrays by name, and the config, of a weights file."""

_PIXEL_BITS = (
    7  # networks give 1/16 of a sample's value; the integer is in 1/8 sample: 16 * 8 = 2^7
)
LARGEST_Z = 127


@contextmanager
def observed_peaks(model: nn.Module) -> Iterator[dict[str, dict[str, float]]]:
    """While it lasts, notes the largest magnitude in every slot of every network: stage -> slot -> value."""
    peaks: dict[str, dict[str, float]] = {}
    hooks = []

    def note(stage: str) -> Callable[..., None]:
        seen = peaks.setdefault(stage, {})

        def hook(_module: nn.Module, _inputs: object, slots: Mapping[str, torch.Tensor]) -> None:
            for name, value in slots.items():
                seen[name] = max(seen.get(name, 0.0), float(value.detach().abs().max()))

        return hook

    for name, module in model.named_children():
        if isinstance(module, FloatNetwork):
            hooks.append(module.register_forward_hook(note(name)))
    try:
        yield peaks
    finally:
        for hook in hooks:
            hook.remove()


def export_inter(
    model: DctInter,
    peaks: Mapping[str, Mapping[str, float]],
    motion: TableData,
    *,
    squared_steps_per_bit: float,
    counts: SymbolCounts | None = None,
) -> Exported:
    """`peaks`: of `observed_peaks` over many pictures. `motion`: rows of the motion syntax. `counts`: what the tables are
    fitted to, if given."""
    forms = inter_forms(model, {"features": fraction_bits(peaks["features"]["output"])})
    tables = [*scale_tables(counts), *(motion.table(row) for row in range(motion.rows))]
    arrays, config = _common(model, forms, peaks, tables, squared_steps_per_bit, 65535)
    arrays["motion_lambda"] = np.array(
        [motion_lambda_16(q_of(quality)) for quality in range(QUALITIES)], np.int32
    )
    widths = asdict(model.config)
    hadamard = list(widths.pop("hadamard"))
    if hadamard:
        config["hadamard"] = hadamard
    version = 3 if hadamard else 2
    return arrays, {"format": version, "kind": "inter", "widths": widths, **config}


def export_intra(
    model: DctIntra,
    peaks: Mapping[str, Mapping[str, float]],
    *,
    squared_steps_per_bit: float,
    counts: SymbolCounts | None = None,
) -> Exported:
    """As `export_inter`."""
    bits = {
        "hyper_half": fraction_bits(peaks["hyper"]["b"]),
        "hyper": fraction_bits(peaks["hyper"]["output"]),
    }
    z_tables = [
        _fitted(
            None if counts is None else counts.z[channel],
            _logistic(log_scale, LARGEST_Z),
            -LARGEST_Z,
        )
        for channel, log_scale in enumerate(model.z_log_scale.detach().double().numpy())
    ]
    tables = [*scale_tables(counts), *z_tables]
    arrays, config = _common(
        model, intra_forms(model, bits), peaks, tables, squared_steps_per_bit, 24576
    )
    arrays["linear_channels"] = np.array(LINEAR, np.int32)
    return arrays, {"format": 2, "kind": "intra", "widths": asdict(model.config), **config}


Forms = dict[str, dict[str, Form]]
"""Stage -> slot of the float network -> its form in the integer network."""


def inter_forms(model: DctInter, bits: Mapping[str, int]) -> Forms:
    """Forms that the weights file's specification prescribes; `bits`: fraction bits of the slots that stages share."""
    features = Form.uniform("features", model.config.features, bits["features"])
    scale = 1 / LOG_SCALE_STEP
    rows = Form("rows", np.full(CHANNELS, scale), HIDDEN_LIMIT, np.full(CHANNELS, _row_zero()))
    context = Form.uniform("context", CHANNELS, 8, given=True)
    first, second = all_index_names(model.config)
    return {
        "features": {
            "input": Form.uniform("features_in", 2 * CHANNELS, 8, given=True),
            "output": features,
        },
        **{key: {"features": features, "output": rows} for key in first},
        **{key: {"features": features, "context": context, "output": rows} for key in second},
        "synthesis": {
            "input": Form("synthesis_in", _scales((24, 8), (24, 6)), HIDDEN_LIMIT, given=True),
            "output": Form.uniform("synthesis_out", 24, 8),
        },
        "analysis": {
            "input": Form("analysis_in", _scales((24, 4), (24, 6)), 255, given=True),
            "output": Form.uniform("analysis_out", CHANNELS, _PIXEL_BITS),
        },
    }


def intra_forms(model: DctIntra, bits: Mapping[str, int]) -> Forms:
    """As `inter_forms`."""
    widths = model.config
    hyper = Form.uniform("hyper", widths.hyper, bits["hyper"], given=True)
    context_scale = np.concatenate(
        (np.full(2 * CHANNELS, 256.0), np.full(len(LINEAR), 32 * LINEAR_UNIT))
    )
    context = Form("context", context_scale, HIDDEN_LIMIT, given=True)
    rows = Form(
        "rows",
        np.concatenate((np.full(CHANNELS, 32.0), np.full(CHANNELS, 1 / LOG_SCALE_STEP))),
        HIDDEN_LIMIT,
        np.concatenate((np.zeros(CHANNELS), np.full(CHANNELS, _row_zero()))),
    )
    return {
        "hyper": {
            "input": Form.uniform("z", widths.z, 0, LARGEST_Z, given=True),
            "b": Form.uniform("hyper_half", widths.hyper, bits["hyper_half"], given=True),
            "output": hyper,
        },
        "indexes_0": {"hyper": hyper, "output": rows},
        **{
            f"indexes_{step}": {"hyper": hyper, "context": context, "output": rows}
            for step in (1, 2, 3)
        },
        "synthesis": {
            "residual": Form.uniform("residual", 24, 8, given=True),
            "coefficients": Form.uniform("coefficients", CHANNELS, 9, given=True),
            "output": Form.uniform("synthesis_out", 24, 8),
        },
        "analysis": {
            "input": Form.uniform("analysis_in", 24, 6, 128, given=True),
            "output": Form.uniform("analysis_out", CHANNELS, _PIXEL_BITS),
        },
        "hyper_analysis": {
            "input": Form.uniform("hyper_in", CHANNELS, 9, given=True),
            "output": Form.uniform("z_out", widths.z, 0, LARGEST_Z),
        },
    }


def scale_tables(counts: SymbolCounts | None = None) -> list[Table]:
    """The 64 rows of the latent's symbols."""
    tables = [CERTAIN]
    for row in range(1, ROWS):
        prior = _logistic(SMALLEST_LOG_SCALE + (row - 1) * LOG_SCALE_STEP, LARGEST_SYMBOL)
        tables.append(_fitted(None if counts is None else counts.rows[row], prior, -LARGEST_SYMBOL))
    return tables


def _fitted(counts: NDArray[np.int64] | None, prior: NDArray[np.float64], first: int) -> Table:
    """Fit a table to counts that start from the prior, as if it had been seen in 200 symbols. Symmetric."""
    pmf = prior if counts is None else counts + counts[::-1] + 200 * prior
    return fit_table(pmf / pmf.sum(), first)


def _logistic(log_scale: float, largest: int) -> NDArray[np.float64]:
    """Mass of the integers -largest..largest under a logistic of mean 0."""
    edges = (np.arange(largest + 1) + 0.5) * np.exp(-log_scale)
    beyond = np.exp(-edges) / (1 + np.exp(-edges))  # above each upper edge
    right = beyond[:-1] - beyond[1:]
    return np.concatenate((right[::-1], [1 - 2 * beyond[0]], right))


def _common(
    model: DctInter | DctIntra,
    forms: Forms,
    peaks: Mapping[str, Mapping[str, float]],
    tables: list[Table],
    squared_steps_per_bit: float,
    largest_step: int,
) -> Exported:
    slots, stages = {}, []
    bits: dict[str, int] = {}
    for stage, known in forms.items():
        exported = quantize_stage(stage, float_network(model, stage), known, peaks[stage])
        for slot in [*(form.slot for form in known.values()), *exported.slots]:
            slots[slot.name] = slot
        stages.append(Stage(stage, tuple(exported.layers)))
        bits |= exported.fraction_bits
    network = Network(tuple(slots.values()), tuple(stages))
    with torch.no_grad():
        gain = model.gains(torch.tensor([q_of(quality) for quality in range(QUALITIES)]))
    step = np.rint(128 * gain.back[:, :, 0, 0].double().numpy())
    data = stack_tables(tables)
    arrays = {
        "step": np.clip(step, 64, largest_step).astype(np.int32),
        "gain": np.clip(
            np.rint(2.0**17 * gain.forward[:, :, 0, 0].double().numpy()), 1, 2**18
        ).astype(np.int32),
        "rd_lambda": np.full(QUALITIES, round(65536 * squared_steps_per_bit), np.int32),
        "log_table": log_table(),
        "quantized_cdf": np.concatenate([table.cdf for table in tables]).astype(np.uint16),
        "cdf_length": data.cdf_length,
        "offset": data.offset,
        **{f"network.{name}": value for name, value in to_arrays(network).items()},
    }
    shared = {
        form.name: _bits_of(form)
        for known in forms.values()
        for form in known.values()
        if form.name in _SHARED
    }
    return arrays, {"network": to_config(network), "fraction_bits": {**bits, **shared}}


_SHARED = ("features", "hyper_half", "hyper")


def float_network(model: nn.Module, stage: str) -> FloatNetwork:
    network = model.get_submodule(stage)
    assert isinstance(network, FloatNetwork)
    return network


def _bits_of(form: Form) -> int:
    return round(float(np.log2(form.scale[0])))


def _row_zero() -> float:
    """The number of the row, as a real, of log scale 0: row 1 is the smallest scale."""
    return 1 - SMALLEST_LOG_SCALE / LOG_SCALE_STEP


def _scales(*parts: tuple[int, int]) -> NDArray[np.float64]:
    return np.concatenate([np.full(channels, 2.0**bits) for channels, bits in parts])
