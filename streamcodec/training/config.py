"""What a training run does: a frozen record, read from TOML."""

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from streamcodec.codec.dct_weights import are_channels
from streamcodec.errors import UsageError

__all__ = ["NAMED", "Distortion", "Kind", "Objective", "Qualities", "TrainConfig", "load_config"]

Kind = Literal["inter", "intra"]
Distortion = Literal["mse", "ssim", "ms-ssim"]


@dataclass(frozen=True)
class Objective:
    """What is minimised: TrainConfig's fields of these names."""

    distortion: Distortion
    chroma_weight: float
    ssim_error: float
    squared_steps_per_bit: float


@dataclass(frozen=True)
class Qualities:
    """How the quantiser is drawn: TrainConfig's fields of these names."""

    lowest_q: float
    highest_q: float
    q_spread: float
    any_q: float


@dataclass(frozen=True)
class TrainConfig:
    """Fields are steps or pixels unless they say otherwise.

    `kind`: inter (P-frames, learns from pairs) or intra (I-frames, learns from the frames of any
    data). `widths`: fields of InterConfig or IntraConfig that differ from their defaults.
    `hadamard`: that of InterConfig. `lr`: Adam's largest learning rate, reached after `warmup` steps; it falls along a cosine to `last_lr`
    times that. `ema`: how much of the averaged weights stays in each step. `clip`: largest norm of
    the gradient. `distortion`: what is minimised of luma beside bits; chroma is always squared
    error, times `chroma_weight`. 1 - SSIM and 1 - MS-SSIM count as `ssim_error` squared errors of
    each sample. `squared_steps_per_bit`: what a bit weighs when the symbols are chosen. `q_spread`:
    the quantiser is that of the pair's references, up to this much more or less; any from
    `lowest_q` to `highest_q` in a share `any_q` of the pairs, and always for I-frames. `integers`:
    activations are rounded and limited as those of the exported integer networks are; for the last
    stage. `held`: crops that are kept from training, to measure on every `check_every` steps.
    """

    kind: Kind
    steps: int
    batch: int = 8
    crop: int = 128
    lr: float = 1.2e-3
    last_lr: float = 0.05
    warmup: int = 100
    ema: float = 0.998
    clip: float = 1.0
    distortion: Distortion = "mse"
    chroma_weight: float = 3.0
    ssim_error: float = 400.0
    squared_steps_per_bit: float = 0.16
    q_spread: float = 3.0
    any_q: float = 0.1
    lowest_q: float = 12.0
    highest_q: float = 44.0
    integers: bool = False
    held: int = 100
    seed: int = 0
    log_every: int = 100
    check_every: int = 500
    save_every: int = 250
    widths: dict[str, int] = field(default_factory=dict)
    hadamard: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name, kind in get_type_hints(TrainConfig).items():
            _check(name, getattr(self, name), kind)
        for name in ("steps", "batch", "warmup", "log_every", "check_every", "save_every"):
            _limit(name, getattr(self, name), 1, 1_000_000_000)
        for name in ("last_lr", "any_q"):
            _limit(name, getattr(self, name), 0, 1)
        _limit("ema", self.ema, 0, 0.999999)
        _limit("lowest_q", self.lowest_q, 12, self.highest_q)
        _limit("highest_q", self.highest_q, self.lowest_q, 44)
        for name in (
            "lr",
            "clip",
            "chroma_weight",
            "ssim_error",
            "squared_steps_per_bit",
            "q_spread",
            "held",
            "seed",
        ):
            _limit(name, getattr(self, name), 0, 1e9)
        if self.hadamard and (self.kind == "intra" or not are_channels(self.hadamard)):
            raise UsageError(
                f"hadamard is {self.hadamard} of kind {self.kind}; "
                "accepted: channels 0 to 95, rising, of kind inter"
            )
        if self.crop % 16 or self.crop < 32:
            raise UsageError(f"crop is {self.crop}; accepted: multiples of 16 from 32 on")

    @property
    def objective(self) -> Objective:
        return Objective(
            self.distortion, self.chroma_weight, self.ssim_error, self.squared_steps_per_bit
        )

    @property
    def qualities(self) -> Qualities:
        return Qualities(self.lowest_q, self.highest_q, self.q_spread, self.any_q)


def load_config(path: Path) -> TrainConfig:
    """The config in a TOML file, or one of NAMED. Raises UsageError for a file that cannot be read, unknown fields and values that do
    not fit."""
    if str(path) in NAMED and not path.exists():
        return NAMED[str(path)]
    try:
        values: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(
            f"cannot read the training config {path}: {reason}; accepted: a TOML file, or {', '.join(NAMED)}"
        ) from error
    known = [each.name for each in fields(TrainConfig)]
    if unknown := sorted(set(values) - set(known)):
        raise UsageError(
            f"{path} has the fields {', '.join(unknown)}; accepted: {', '.join(known)}"
        )
    if missing := sorted({"kind", "steps"} - set(values)):
        raise UsageError(f"{path} lacks {' and '.join(missing)}")
    return TrainConfig(**values)


def _check(name: str, value: object, kind: Any) -> None:
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise UsageError(f"{name} is {value!r}; accepted: {', '.join(get_args(kind))}")
        return
    accepted = (int, float) if kind is float else get_origin(kind) or kind
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise UsageError(f"{name} is {value!r}; accepted: {getattr(kind, '__name__', kind)}")


def _limit(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise UsageError(f"{name} is {value:g}; accepted: {low:g} to {high:g}")


NAMED = {
    "inter": TrainConfig("inter", 40_000),
    "intra": TrainConfig("intra", 20_000),
    "inter-second": TrainConfig("inter", 10_000, lr=4e-4),
    "intra-second": TrainConfig("intra", 10_000, lr=4e-4),
}
"""Configs that need no file. Those called second go on from weights (`--start`) with smaller steps."""
