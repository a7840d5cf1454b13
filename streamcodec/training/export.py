"""From a run's state to a weights file that codes: averaged weights as integers, with tables."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import nn

from streamcodec.codec.dct_weights import DctWeights, save_dct_weights
from streamcodec.files import replace_on_success
from streamcodec.models.dct.export import Exported, export_inter, export_intra, observed_peaks
from streamcodec.models.dct.inter import DctInter
from streamcodec.models.dct.intra import DctIntra
from streamcodec.models.dct.scales import SymbolCounts
from streamcodec.motion import default_tables
from streamcodec.training.batches import DataSet, draw_batch, open_data
from streamcodec.training.config import TrainConfig
from streamcodec.training.loss import batch_cost
from streamcodec.training.state import averaged_model

__all__ = ["export_model", "export_state"]


def export_state(
    state: Path, data: Sequence[Path], out: Path, *, batches: int = 100, overwrite: bool = False
) -> bytes:
    """Write the weights file `out`; returns its id (16 bytes).

    `batches` of whole crops show how large activations get, which decides how fine the integers
    are, and how often each symbol comes, which the tables are fitted to. Raises UsageError,
    OutputError, and ModelError if the weights do not fit into the integers.
    """
    config, model = averaged_model(state)
    rows = open_data(data, config.kind, config.crop, 0)
    arrays, metadata = export_model(model, config, rows, batches)
    weights = DctWeights.of(metadata, arrays)
    weights.native()  # checks all numbers
    more = {name: metadata[name] for name in ("widths", "fraction_bits")}  # to restore the model by
    with replace_on_success(out, overwrite=overwrite) as part:
        return save_dct_weights(part, weights, training=asdict(config), **more)


@torch.no_grad()
def export_model(model: nn.Module, config: TrainConfig, rows: DataSet, batches: int) -> Exported:
    """Arrays and config of a weights file, as `export_state` writes them."""
    model.eval()
    rng = np.random.default_rng(config.seed)
    counts = SymbolCounts(model.config.z if isinstance(model, DctIntra) else 0)
    with observed_peaks(model) as peaks:
        for _ in range(batches):
            crop = rows.folders[0].crop
            batch = draw_batch(rows, config.batch, crop, config.qualities, rng)
            for hadamard in (False, True) if config.hadamard else (None,):
                batch_cost(model, batch, config.objective, counts, hadamard=hadamard)
    weight = config.squared_steps_per_bit
    if isinstance(model, DctInter):
        tables = default_tables()
        return export_inter(model, peaks, tables, squared_steps_per_bit=weight, counts=counts)
    assert isinstance(model, DctIntra)
    return export_intra(model, peaks, squared_steps_per_bit=weight, counts=counts)
