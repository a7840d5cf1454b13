"""From a trained float model to the integers that code: the content of a weights file (streamcodec/codec/dct_weights.py)."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from streamcodec.engine import Network, Stage, to_arrays, to_config
from streamcodec.models.dct.gains import COARSEST, FINEST, lagrangian
from streamcodec.models.dct.inter import DctInter
from streamcodec.models.dct.intra import CONTEXT, LINEAR, LINEAR_UNIT, DctIntra
from streamcodec.models.dct.layers import FloatNetwork
from streamcodec.models.dct.quantize import HIDDEN_LIMIT, Form, fraction_bits, quantize_stage
from streamcodec.models.dct.scales import LOG_SCALE_STEP, ROWS, SMALLEST_LOG_SCALE
from streamcodec.models.dct.transforms import CHANNELS
from streamcodec.tables import CERTAIN, Table, TableData, fit_table, stack_tables
from streamcodec.types import QUALITIES

__all__ = ["Exported", "export_inter", "export_intra", "log_table", "observed_peaks", "q_of", "scale_tables"]

Exported = tuple[dict[str, NDArray[Any]], dict[str, Any]]
"""Arrays by name, and the config, of a weights file."""

LARGEST_SYMBOL = 2047
_PIXEL_BITS = 7  # networks give 1/16 of a sample's value; the integer is in 1/8 sample: 16 * 8 = 2^7
_MOTION_WEIGHT = 0.6


def q_of(quality: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """The quantiser q of a quality 0..63."""
    return np.asarray(COARSEST - (COARSEST - FINEST) * np.asarray(quality, np.float64) / (QUALITIES - 1))


def log_table() -> NDArray[np.int16]:
    """(4096,): round(256 ln(1 + a / 16))."""
    return np.rint(256 * np.log1p(np.arange(4096) / 16)).astype(np.int16)


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
    counts: NDArray[np.int64] | None = None,
) -> Exported:
    """`peaks`: of `observed_peaks` over many pictures. `motion`: rows of the motion syntax. `counts` (ROWS, 4095): how often
    each symbol -2047..2047 came in each row; the tables are fitted to them where given."""
    features = _hidden("features", model.config.features, peaks["features"]["output"])
    rows = _rows("rows", CHANNELS)
    stages = {
        "features": {"input": Form.uniform("features_in", 2 * CHANNELS, 8, given=True), "output": features},
        "indexes_a": {"features": features, "output": rows},
        "indexes_b": {"features": features, "context": Form.uniform("context", CHANNELS, 8, given=True), "output": rows},
        "synthesis": {
            "input": Form("synthesis_in", _scales((24, 8), (24, 6)), HIDDEN_LIMIT, given=True),
            "output": Form.uniform("synthesis_out", 24, 8),
        },
        "analysis": {
            "input": Form("analysis_in", _scales((24, 4), (24, 6)), 255, given=True),
            "output": Form.uniform("analysis_out", CHANNELS, _PIXEL_BITS),
        },
    }
    q = q_of(np.arange(QUALITIES))
    arrays = _common(model, stages, peaks, [*scale_tables(counts), *_rows_of(motion)], squared_steps_per_bit, 65535)
    motion_lambda = _MOTION_WEIGHT / 0.85 * lagrangian(torch.from_numpy(q)).numpy()
    arrays[0]["motion_lambda"] = np.rint(16 * motion_lambda).astype(np.int32)
    return arrays[0], {"format": 1, "kind": "inter", **arrays[1]}


def export_intra(
    model: DctIntra,
    peaks: Mapping[str, Mapping[str, float]],
    *,
    squared_steps_per_bit: float,
    counts: NDArray[np.int64] | None = None,
    z_counts: NDArray[np.int64] | None = None,
) -> Exported:
    """As `export_inter`. `z_counts` (channels of z, 255): how often each value -127..127 of z came."""
    config = model.config
    z = Form.uniform("z", config.z, 0, 127, given=True)
    bits = _hidden("hyper", config.hyper, peaks["hyper"]["output"]).scale
    hyper = Form("hyper", bits, HIDDEN_LIMIT, given=True)
    half = _hidden("hyper_half", config.hyper, peaks["hyper"]["b"])
    context_scale = np.concatenate((np.full(2 * CHANNELS, 256.0), np.full(len(LINEAR), 32 * LINEAR_UNIT)))
    assert len(context_scale) == CONTEXT
    context = Form("context", context_scale, HIDDEN_LIMIT, given=True)
    mean = np.full(CHANNELS, 32.0)
    index = _rows("rows", CHANNELS)
    assert index.offset is not None
    rows = Form(
        "rows",
        np.concatenate((mean, index.scale)),
        HIDDEN_LIMIT,
        np.concatenate((np.zeros(CHANNELS), index.offset)),
    )
    stages: dict[str, dict[str, Form]] = {
        "hyper": {"input": z, "b": Form("hyper_half", half.scale, HIDDEN_LIMIT, given=True), "output": hyper},
        "indexes_0": {"hyper": hyper, "output": rows},
        **{f"indexes_{step}": {"hyper": hyper, "context": context, "output": rows} for step in (1, 2, 3)},
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
            "output": Form.uniform("z_out", config.z, 0, 127),
        },
    }
    log_scales = model.z_log_scale.detach().double().numpy()
    z_tables = [
        _fitted(None if z_counts is None else z_counts[channel], _logistic(log_scale, 127), -127)
        for channel, log_scale in enumerate(log_scales)
    ]
    arrays, config_json = _common(model, stages, peaks, [*scale_tables(counts), *z_tables], squared_steps_per_bit, 24576)
    arrays["linear_channels"] = np.array(LINEAR, np.int32)
    return arrays, {"format": 1, "kind": "intra", **config_json}


def scale_tables(counts: NDArray[np.int64] | None = None) -> list[Table]:
    """The 64 rows of the latent's symbols. `counts` (ROWS, 4095) as for `export_inter`."""
    tables = [CERTAIN]
    for row in range(1, ROWS):
        prior = _logistic(SMALLEST_LOG_SCALE + (row - 1) * LOG_SCALE_STEP, LARGEST_SYMBOL)
        tables.append(_fitted(None if counts is None else counts[row], prior, -LARGEST_SYMBOL))
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
    stages: Mapping[str, Mapping[str, Form]],
    peaks: Mapping[str, Mapping[str, float]],
    tables: list[Table],
    squared_steps_per_bit: float,
    largest_step: int,
) -> Exported:
    slots, programs = {}, []
    for stage, forms in stages.items():
        floats = model.get_submodule(stage)
        assert isinstance(floats, FloatNetwork)
        exported = quantize_stage(stage, floats, forms, peaks[stage])
        for slot in [*(form.slot for form in forms.values()), *exported.slots]:
            slots[slot.name] = slot
        programs.append(Stage(stage, tuple(exported.layers)))
    network = Network(tuple(slots.values()), tuple(programs))
    with torch.no_grad():
        gain = model.gains(torch.from_numpy(q_of(np.arange(QUALITIES))).float())
    step = np.rint(128 * gain.back[:, :, 0, 0].double().numpy())
    data = stack_tables(tables)
    arrays = {
        "step": np.clip(step, 64, largest_step).astype(np.int32),
        "gain": np.clip(np.rint(2.0**17 * gain.forward[:, :, 0, 0].double().numpy()), 1, 2**18).astype(np.int32),
        "rd_lambda": np.full(QUALITIES, round(65536 * squared_steps_per_bit), np.int32),
        "log_table": log_table(),
        "quantized_cdf": data.quantized_cdf,
        "cdf_length": data.cdf_length,
        "offset": data.offset,
        **{f"network.{name}": value for name, value in to_arrays(network).items()},
    }
    return arrays, {"network": to_config(network)}


def _hidden(name: str, channels: int, peak: float) -> Form:
    return Form.uniform(name, channels, fraction_bits(peak))


def _rows(name: str, channels: int) -> Form:
    """Log scales as numbers of rows: row 1 is the smallest scale, anything below half a row before it is row 0."""
    scale = 1 / LOG_SCALE_STEP
    return Form(name, np.full(channels, scale), HIDDEN_LIMIT, np.full(channels, 1 - SMALLEST_LOG_SCALE * scale))


def _rows_of(data: TableData) -> list[Table]:
    return [data.table(row) for row in range(data.rows)]


def _scales(*parts: tuple[int, int]) -> NDArray[np.float64]:
    return np.concatenate([np.full(channels, 2.0**bits) for channels, bits in parts])
