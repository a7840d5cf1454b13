"""The averaged weights of a run as weights files of the product."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from streamcodec.models import save_checkpoint
from streamcodec.training.config import TrainConfig
from streamcodec.training.start import FLOW_NAME, IMAGE_NAME, make_model, model_fields

__all__ = ["export_model", "export_weights"]


def export_weights(averaged: Mapping[str, Tensor], config: TrainConfig, folder: Path) -> None:
    """Write both models of a run from their averaged state, with their tables; one that is fresh and was not trained is left out."""
    for name, start, trained in (
        (IMAGE_NAME, config.image_start, config.image_batch),
        (FLOW_NAME, config.flow_start, config.flow_batch),
    ):
        if start != "fresh" or trained:
            export_model(name, averaged, config, folder)


def export_model(name: str, averaged: Mapping[str, Tensor], config: TrainConfig, folder: Path) -> None:
    """Write the model of this name, whose part of the state begins with it."""
    model = make_model(name, config)
    own = {key.removeprefix(f"{name}."): value.cpu() for key, value in averaged.items() if key.startswith(f"{name}.")}
    model.load_state_dict(_through_half(own))
    model.update(force=True)
    save_checkpoint(folder / f"{name}.safetensors", model, name, **model_fields(name, config))


def _through_half(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Convolution weights rounded to half precision, as the file has them, so that the tables are made from what is shipped."""
    return {key: value.half().float() if value.is_floating_point() and value.ndim == 4 else value for key, value in state.items()}
