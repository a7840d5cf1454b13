"""What one training run does: a frozen record, read from TOML. The files in configs/ are how the shipped weights came to be."""

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from streamcodec.errors import UsageError
from streamcodec.metrics import MIN_SIDE
from streamcodec.types import Precision

__all__ = ["Start", "TrainConfig", "load_config"]

Stage = Literal["entropy", "joint"]
"""entropy: only the hyperpriors learn, on kept latents of the transforms, which stand still (refit.py). joint: everything learns."""

Start = Literal["weights", "principal", "fresh"]
"""weights: from files. principal: transforms from principal components (principal.py). fresh: random."""

Loss = Literal["mse", "ms-ssim"]
"""What the distortion is: 255^2 MSE, or 1 - MS-SSIM (Balle et al. 2018 and Minnen et al. 2018 weigh it by lambda as it is)."""


@dataclass(frozen=True)
class TrainConfig:
    """Fields are steps, pixels and learning rates unless they say otherwise.

    `model`: name of an image model (`streamcodec.models.names`) to be trained on its own (image.py), with `image` as its fields; without it
    the default pair is trained. `weights_of`: name of the weights file it starts from; what that does not hold, or in another shape,
    stays fresh.
    `image_batch` I-frames are trained in every `image_every`-th step (0: the image model stays as it is); `flow_batch` P-frames in
    every step (0: the flow model stays), of as many chains drawn from `chains` that are under way, each of `min_depth` to `max_depth`
    P-frames. `unroll`: P-frames per step and chain, with gradients through them; their losses are averaged. `crop`: side of the windows.
    `clip_frames`: length of the clips that are cut out of videos; shards and Vimeo-90K have their own.
    `lambda_low` and `lambda_high`: weight of 255^2 MSE against bits per pixel at the first and the last gain row, evenly spaced in the
    logarithm between; `ssim_lambda_low` and `ssim_lambda_high`: likewise of 1 - MS-SSIM, where that is the `loss`;
    `prediction_weight`: of the prediction's distortion, in relation to the reconstruction's.
    `kept`: in the entropy stage, batches of `image_batch` I-frames and of `flow_batch` P-frames whose latents are collected before the
    first step; a step then trains each hyperprior on `kept_batch` of those latents.
    Learning rates: `lr` of the transforms, `block_lr` of the residual blocks and of the context, `gain_lr`, `entropy_lr` of the
    hyperpriors, `motion_entropy_lr` of the motion's (its means travel a linear path that large steps break), `aux_lr` of the
    bottlenecks' quantiles. They rise for `warmup` steps and fall along a cosine to `floor` (a fraction) at the last step.
    `clip`: largest norm of the gradient.
    `beta2`: Adam's, of the squares. `ema`: decay of the averaged weights, which are what is exported.
    `precision` bf16 (autocast), `channels_last` and `compile` (torch.compile) change how fast a step is; docs/training.md has figures.
    `log_every`, `save_every` and `pictures_every` (0: none) are in steps.
    `image` and `flow`: fields of the models' configs that differ from the presets'.
    """

    stage: Stage
    steps: int
    model: str = ""
    weights_of: str = ""
    loss: Loss = "mse"
    image_start: Start = "weights"
    flow_start: Start = "weights"
    image_batch: int = 0
    image_every: int = 1
    flow_batch: int = 0
    chains: int = 24
    unroll: int = 1
    crop: int = 160
    min_depth: int = 4
    max_depth: int = 28
    clip_frames: int = 12
    gain_rows: int = 5
    lambda_low: float = 0.0007
    lambda_high: float = 0.035
    ssim_lambda_low: float = 0.93
    ssim_lambda_high: float = 45.0
    prediction_weight: float = 0.05
    kept: int = 100
    kept_batch: int = 16
    lr: float = 1e-4
    block_lr: float = 1e-4
    gain_lr: float = 1e-3
    entropy_lr: float = 3e-4
    motion_entropy_lr: float = 5e-5
    aux_lr: float = 1e-3
    beta2: float = 0.999
    warmup: int = 30
    floor: float = 0.05
    clip: float = 1.0
    ema: float = 0.99
    precision: Precision = "fp32"
    channels_last: bool = True
    compile: bool = False
    seed: int = 0
    log_every: int = 10
    save_every: int = 100
    pictures_every: int = 500
    image: dict[str, int] = field(default_factory=dict)
    flow: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, kind in get_type_hints(type(self)).items():
            _check_type(name, getattr(self, name), kind)
        if self.image_batch == 0 and self.flow_batch == 0:
            raise UsageError("image_batch and flow_batch are both 0: nothing would be trained")
        if self.model and (self.flow_batch or not self.image_batch):
            raise UsageError(f"model is {self.model}, with a flow_batch of {self.flow_batch}; accepted: an image_batch and no flow_batch")
        if self.weights_of and not self.model:
            raise UsageError(f"weights_of is {self.weights_of}; accepted only with a model")
        for name, low in self._least().items():
            if getattr(self, name) < low:
                raise UsageError(f"{name} is {getattr(self, name)}; accepted: {low} or more")
        for name in ("lambda", "ssim_lambda"):
            bounds = (getattr(self, f"{name}_low"), getattr(self, f"{name}_high"))
            if not 0 < bounds[0] <= bounds[1] < float("inf"):
                raise UsageError(f"{name}_low and {name}_high are {bounds[0]} and {bounds[1]}; accepted: 0 < low <= high")
        for name in ("lr", "block_lr", "gain_lr", "entropy_lr", "motion_entropy_lr", "aux_lr", "clip", "prediction_weight"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise UsageError(f"{name} is {getattr(self, name)}; accepted: 0 or more")
        for name in ("ema", "floor", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}; accepted: 0 up to, not including, 1")

    def _least(self) -> dict[str, int]:
        """Smallest accepted values of the integers."""
        ones = ("steps", "image_every", "unroll", "min_depth", "kept", "kept_batch", "log_every", "save_every")
        zeros = ("image_batch", "flow_batch", "warmup", "pictures_every")
        least = dict.fromkeys(ones, 1) | dict.fromkeys(zeros, 0)
        least |= {"chains": self.flow_batch, "max_depth": self.min_depth, "gain_rows": 2, "clip_frames": 2}
        return least | {"crop": MIN_SIDE if self.loss == "ms-ssim" else 16}


def load_config(path: Path) -> TrainConfig:
    """Read a TOML file whose keys are the fields of TrainConfig. Raises UsageError for anything else."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"cannot read the training config {path}: {error}") from error
    known = [field.name for field in fields(TrainConfig)]
    if unknown := sorted(set(values) - set(known)):
        raise UsageError(f"{path} has unknown keys {', '.join(unknown)}; known: {', '.join(known)}")
    if missing := sorted({"stage", "steps"} - set(values)):
        raise UsageError(f"{path} lacks {', '.join(missing)}")
    return TrainConfig(**values)


def _check_type(name: str, value: Any, kind: Any) -> None:
    if get_origin(kind) is dict:
        if not isinstance(value, dict) or any(type(number) is not int for number in value.values()):
            raise UsageError(f"{name} is {value!r}; accepted: a table of integers")
    elif choices := get_args(kind):
        if value not in choices:
            raise UsageError(f"{name} is {value!r}; accepted: {', '.join(choices)}")
    elif kind is bool:
        if not isinstance(value, bool):
            raise UsageError(f"{name} is {value!r}; accepted: true or false")
    elif isinstance(value, bool) or not isinstance(value, (int, float) if kind is float else kind):
        raise UsageError(f"{name} is {value!r}; accepted: {'a number' if kind is float else 'an integer'}")
