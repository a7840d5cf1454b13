"""The models at the start of a run, as the config says: from weights files, from principal components, or fresh."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from streamcodec.errors import ModelError, UsageError
from streamcodec.models import CompressionModel, QuarterFlow, QuarterImage, create, load_checkpoint
from streamcodec.models.quarter import FLOW_UNIT, HINT_UNIT, LEVEL_OFFSET, LEVEL_SLOPE
from streamcodec.models.scale_space import gaussian_volume, warp
from streamcodec.training.chains import Chains
from streamcodec.training.config import Start, TrainConfig
from streamcodec.training.data import ClipSource
from streamcodec.training.hyperprior import carry_means, start_hyperprior
from streamcodec.training.loss import lambdas
from streamcodec.training.principal import Cascade, decompose, luma_metric, quantiser_steps, start_transform

__all__ = ["FLOW_NAME", "IMAGE_NAME", "draw_pictures", "make_model", "model_fields", "read_parameters", "start_models", "steps_of"]

IMAGE_NAME, FLOW_NAME = "quarter-image", "quarter-flow"
SAMPLES = 240
"""P-frames, and four times as many I-frames, from which the components are estimated."""
PICTURE_CARRY, RESIDUAL_CARRY = 6.0, 10.0
"""Bias of carried values in deviations: residuals and flow have the heavier tails. What lies below is cut off by the ReLU."""
MOTION_STEPS = (4.0, 3.0, 2.2, 1.6, 1.2)
"""Quantiser steps of the motion's components (four quarter-resolution vectors on a side: a step is a quarter of that in pixels)."""
MOTION_COMPONENTS = 8
SHARP = 0.01
"""Level of the volume in the beginning: just above 0, where the gradient is still felt."""


def start_models(
    config: TrainConfig, source: ClipSource, weights: Path | None, rng: np.random.Generator
) -> tuple[QuarterImage, QuarterFlow]:
    """Both models on the CPU. `weights`: folder of the weights files, needed where the config starts from them."""
    image, flow = (make_model(name, config) for name in (IMAGE_NAME, FLOW_NAME))
    if not isinstance(image, QuarterImage) or not isinstance(flow, QuarterFlow):
        raise TypeError("the trainer is written for the default model")
    if config.image_start == "principal":
        start_image(image, config, source, rng)
    if config.flow_start == "principal" and config.image_start != "weights":
        raise UsageError("flow_start is principal: image_start must be weights, for its components are those of residuals of coded frames")
    for model, how, name in ((image, config.image_start, IMAGE_NAME), (flow, config.flow_start, FLOW_NAME)):
        if how == "weights":
            load_weights(model, how, weights, name)
    if config.flow_start == "principal":
        start_flow(flow, image, config, source, rng)
    return image, flow


def model_fields(name: str, config: TrainConfig) -> Mapping[str, Any]:
    """Fields of the model's config that the training config sets."""
    return {"gain_rows": config.gain_rows, **(config.flow if name == FLOW_NAME else config.image)}


def make_model(name: str, config: TrainConfig) -> CompressionModel:
    try:
        return create(name, **model_fields(name, config))
    except ModelError as error:
        raise UsageError(f"the training config does not fit {name}: {error}") from error


def load_weights(model: nn.Module, how: Start, folder: Path | None, name: str) -> None:
    if folder is None:
        raise UsageError(f"{name} starts from {how}: the folder of {name}.safetensors must be given")
    try:
        model.load_state_dict(read_parameters(folder / f"{name}.safetensors"), strict=False)
    except RuntimeError as error:
        raise UsageError(f"{name} in {folder} has another shape than the training config asks for: {error}") from error


def read_parameters(path: Path) -> dict[str, Tensor]:
    """The state_dict of a weights file without its tables and integer paths."""
    derived = ("_offset", "_quantized_cdf", "_cdf_length", "scale_table")
    state = load_checkpoint(path).model.state_dict()
    return {key: value for key, value in state.items() if not key.endswith(derived) and "integer" not in key}


def start_image(image: QuarterImage, config: TrainConfig, source: ClipSource, rng: np.random.Generator) -> None:
    samples = draw_pictures(config, source, rng)
    cascade = decompose(samples, image.config.width8, image.config.latent, PICTURE_CARRY, luma_metric())
    steps = steps_of(config)
    middle = steps[len(steps) // 2].expand(len(cascade.at16.sigma))
    start_transform(image.encoder, image.decoder, cascade, middle)
    start_hyperprior(image.hyperprior, cascade.at16.sigma / middle, steps)


@torch.no_grad()
def start_flow(flow: QuarterFlow, image: QuarterImage, config: TrainConfig, source: ClipSource, rng: np.random.Generator) -> None:
    """Motion from the components of the flow hints, residual from those of what a warp by the hints leaves of coded frames."""
    found = list(_residuals(image, config, source, rng))
    hints, residuals = (torch.cat([item[index] for item in found]) for index in (0, 1))
    steps, c = steps_of(config), flow.config
    residual = decompose(residuals, c.width8, c.latent, RESIDUAL_CARRY, luma_metric())
    middle = steps[len(steps) // 2].expand(len(residual.at16.sigma))
    start_transform(flow.residual_encoder, flow.residual_decoder, residual, middle)
    start_hyperprior(flow.residual_hyperprior, residual.at16.sigma / middle, steps)
    motion_steps = torch.tensor(_resample(MOTION_STEPS, config.gain_rows)) / HINT_UNIT
    middle = motion_steps[len(motion_steps) // 2].repeat(MOTION_COMPONENTS)
    motion: Cascade = decompose(hints / HINT_UNIT, c.motion_width8, MOTION_COMPONENTS, RESIDUAL_CARRY)
    frame_inputs = 2 * 48
    start_transform(flow.motion_encoder, flow.motion_decoder, motion, middle, first_input=frame_inputs, output=HINT_UNIT / FLOW_UNIT)
    start_hyperprior(flow.motion_hyperprior, motion.at16.sigma / middle, motion_steps, density_width=1.5)
    carry_means(flow.motion_hyperprior, MOTION_COMPONENTS)
    tail = flow.motion_decoder.tail
    tail.weight[2] = 0
    cast(Tensor, tail.bias)[2] = (SHARP - LEVEL_OFFSET) / LEVEL_SLOPE


def _residuals(image: QuarterImage, config: TrainConfig, source: ClipSource, rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """(hints in pixels (N, 2, h, w), what they leave of P-frames (N, 48, h, w)) on references coded by `image`."""
    for _ in range(-(-SAMPLES // max(config.flow_batch, 1))):
        batch = Chains(source, config, rng, torch.device("cpu")).next(lambda x, q: image(x, q)["x_hat"])
        full = F.interpolate(batch.hints, size=batch.frames.shape[-2:], mode="bilinear", align_corners=False)
        prediction = warp(gaussian_volume(batch.references), full, torch.full_like(full[:, :1], SHARP))
        yield batch.hints, F.pixel_unshuffle(batch.frames - prediction, 4)


def draw_pictures(config: TrainConfig, source: ClipSource, rng: np.random.Generator) -> Tensor:
    """Frames to estimate components of I-frames from: (N, 48, S/4, S/4) float in [-0.5, 0.5], pixel-unshuffled by 4."""
    pictures = []
    for _ in range(4 * SAMPLES):
        view = source.draw(config.crop, rng)
        pictures.append(torch.from_numpy(source.frame(view, int(rng.integers(source.length)))))
    return F.pixel_unshuffle(torch.stack(pictures).float() / 255 - 0.5, 4)


def steps_of(config: TrainConfig) -> Tensor:
    """Quantiser steps of principal components at each gain row (rows,)."""
    return quantiser_steps(lambdas(torch.arange(config.gain_rows, dtype=torch.float32), config))


def _resample(values: tuple[float, ...], rows: int) -> list[float]:
    return [float(v) for v in np.interp(np.linspace(0, 1, rows), np.linspace(0, 1, len(values)), values)]
