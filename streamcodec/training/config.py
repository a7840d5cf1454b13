"""What one training run does: a frozen record, read from TOML. The files in configs/ are how the shipped weights came to be, in order."""

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from streamcodec.errors import UsageError
from streamcodec.types import Precision

__all__ = ["Start", "TrainConfig", "load_config"]

Stage = Literal["entropy", "joint"]
"""entropy: only the hyperpriors learn, to code what the frozen transforms give. joint: everything learns."""

Start = Literal["weights", "principal", "fresh"]
"""weights: from files. principal: transforms from principal components (principal.py). fresh: random."""


@dataclass(frozen=True)
class TrainConfig:
    """Fields are steps, pixels and learning rates unless they say otherwise.

    `image_batch` I-frames are trained in every `image_every`-th step (0: the image model stays as it is); `flow_batch` P-frames in
    every step (0: the flow model stays), of as many chains drawn from `chains` that are under way, each of `min_depth` to `max_depth`
    P-frames. `unroll`: P-frames per step and chain, with gradients through them (resident_trainer.py only). `crop`: side of the windows.
    `lambda_low` and `lambda_high`: weight of 255^2 MSE against bits per pixel at the first and the last gain row, evenly spaced in the
    logarithm between; `prediction_weight`: of the prediction's error, in relation to the reconstruction's.
    Learning rates: `lr` of the transforms, `gain_lr`, `entropy_lr` of the hyperpriors, `motion_entropy_lr` of the motion's (its means
    travel a linear path that large steps break), `aux_lr` of the bottlenecks' quantiles. They rise for `warmup` steps and fall along
    a cosine to `floor` (a fraction) at the last step.
    `beta2`: Adam's, of the squares. `ema`: decay of the averaged weights, which are what is exported.
    `image` and `flow`: fields of the models' configs that differ from the presets'.
    """

    stage: Stage
    steps: int
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
    gain_rows: int = 5
    lambda_low: float = 0.0007
    lambda_high: float = 0.035
    prediction_weight: float = 0.05
    lr: float = 1e-4
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
    seed: int = 0
    log_every: int = 10
    save_every: int = 100
    image: dict[str, int] = field(default_factory=dict)
    flow: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, kind in get_type_hints(type(self)).items():
            _check_type(name, getattr(self, name), kind)
        if self.image_batch == 0 and self.flow_batch == 0:
            raise UsageError("image_batch and flow_batch are both 0: nothing would be trained")
        at_least = {
            "steps": 1,
            "image_batch": 0,
            "image_every": 1,
            "flow_batch": 0,
            "unroll": 1,
            "chains": self.flow_batch,
            "crop": 16,
            "min_depth": 1,
            "gain_rows": 2,
            "warmup": 0,
        }
        at_least |= {"max_depth": self.min_depth, "log_every": 1, "save_every": 1}
        for name, low in at_least.items():
            if getattr(self, name) < low:
                raise UsageError(f"{name} is {getattr(self, name)}; accepted: {low} or more")
        if not 0 < self.lambda_low <= self.lambda_high:
            raise UsageError(f"lambda_low and lambda_high are {self.lambda_low} and {self.lambda_high}; accepted: 0 < low <= high")
        for name in ("lr", "gain_lr", "entropy_lr", "motion_entropy_lr", "aux_lr", "clip", "prediction_weight"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise UsageError(f"{name} is {getattr(self, name)}; accepted: 0 or more")
        for name in ("ema", "floor", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}; accepted: 0 up to, not including, 1")


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
    elif isinstance(value, bool) or not isinstance(value, (int, float) if kind is float else kind):
        raise UsageError(f"{name} is {value!r}; accepted: {'a number' if kind is float else 'an integer'}")
