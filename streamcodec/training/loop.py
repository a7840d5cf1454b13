"""The training loop: a step, checkpoints from which a run goes on bit for bit, a log, and export of the averaged weights.

Files of a run in its folder: `config.json`, `log.jsonl` (one object per line, running means), `state.pt` (everything that the next step
depends on), and the averaged weights as weights files of the product. Needs torch and numpy only.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from streamcodec.errors import UsageError
from streamcodec.models import QuarterFlow, QuarterImage, save_checkpoint
from streamcodec.training.centre import Centring, mean_inputs
from streamcodec.training.chains import Chains, draw_images
from streamcodec.training.config import TrainConfig
from streamcodec.training.data import Shards
from streamcodec.training.loss import Cost, flow_cost, image_cost
from streamcodec.training.optimizer import Average, make_optimizers, schedule
from streamcodec.training.start import FLOW_NAME, IMAGE_NAME, make_model, model_fields, start_models

__all__ = ["Trainer", "export_weights", "train"]

CENTRE_BATCHES = 6
MEMORY = 0.96
"""Decay of the running means in the log."""


class Trainer:
    """One run. `weights`: folder of the weights files to start from, where the config does."""

    def __init__(self, config: TrainConfig, shards: Shards, weights: Path | None = None, device: str = "cpu") -> None:
        self.config, self.device, self.step_count = config, torch.device(device), 0
        torch.manual_seed(config.seed)
        self._shards, self._rng = shards, np.random.default_rng(config.seed)
        image, flow = start_models(config, shards, weights, self._rng)
        self.models = nn.ModuleDict({IMAGE_NAME: image, FLOW_NAME: flow})
        self.models.to(self.device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        self._chains = Chains(shards, config, self._rng, self.device)
        self._centring = Centring(self.models, self._mean_inputs() if config.stage == "joint" else {})
        self._main, self._aux = make_optimizers(self.models, config)
        self._average = Average(self.models.named_parameters(), config.ema)
        self._means: dict[str, float] = {}

    @property
    def image(self) -> QuarterImage:
        return self.models[IMAGE_NAME]  # type: ignore[return-value]

    @property
    def flow(self) -> QuarterFlow:
        return self.models[FLOW_NAME]  # type: ignore[return-value]

    def step(self) -> dict[str, float]:
        """One step of the optimisers; returns what it cost, by name. A loss that is not finite changes nothing and restarts the chains."""
        for optimizer in (self._main, self._aux):
            optimizer.zero_grad(set_to_none=True)
            for group in optimizer.param_groups:
                group["lr"] = group["base_lr"] * schedule(self.step_count, self.config)
        figures: dict[str, float] = {}
        for kind, cost in self._costs().items():
            cost.loss.mean().backward()  # type: ignore[no-untyped-call]
            figures |= _figures(kind, cost)
        if np.isfinite(list(figures.values())).all():
            figures["gradient"] = self._descend()
        else:
            self._chains.restart()
        self.step_count += 1
        return figures

    def run(self, folder: Path, limit_seconds: float | None = None, report: Callable[[str], None] = print) -> None:
        """Train to the last step, or for `limit_seconds`; then save and export."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(asdict(self.config), indent=1))
        start = time.monotonic()
        with (folder / "log.jsonl").open("a") as log:
            while self.step_count < self.config.steps and not (limit_seconds and time.monotonic() - start > limit_seconds):
                self._remember(self.step())
                if self.step_count % self.config.log_every == 0:
                    row = {"step": self.step_count, "seconds": round(time.monotonic() - start, 1), **self._means}
                    report(json.dumps(row))
                    print(json.dumps(row), file=log, flush=True)
                if self.step_count % self.config.save_every == 0:
                    self.save(folder / "state.pt")
        self.save(folder / "state.pt")
        self.export(folder)

    def save(self, path: Path) -> None:
        """Write everything that the next step depends on; replaces the file at once or not at all."""
        partial = path.with_suffix(".part")
        torch.save({"config": asdict(self.config), **self._state()}, partial)
        partial.replace(path)

    def resume(self, path: Path) -> None:
        """Go on from `save`. Raises UsageError if the file is another run's or cannot be read."""
        try:
            state = torch.load(path, map_location=self.device, weights_only=False)
        except (OSError, RuntimeError, EOFError, UnpicklingError) as error:
            raise UsageError(f"cannot read the training state {path}: {error}") from error
        if state["config"] != asdict(self.config):
            changed = [key for key, value in asdict(self.config).items() if state["config"].get(key) != value]
            raise UsageError(f"{path} is the state of another run: {', '.join(changed)} differ; use another folder or the same config")
        self._restore(state)

    def _restore(self, state: Mapping[str, Any]) -> None:
        self.models.load_state_dict(state["models"])
        self._centring = Centring(self.models, state["centres"])
        for part, name in ((self._main, "main"), (self._aux, "aux"), (self._average, "average"), (self._chains, "chains")):
            part.load_state_dict(state[name])
        self._rng.bit_generator.state = state["numpy"]
        torch.set_rng_state(state["torch"].cpu())
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(state["cuda"].cpu(), self.device)
        self.step_count, self._means = state["step"], state["means"]

    def export(self, folder: Path) -> None:
        """Write the averaged weights with their tables, as `quarter-image.safetensors` and `quarter-flow.safetensors`.

        A model that is fresh and was not trained is left out.
        """
        export_weights(self._average.over(self.models.state_dict()), self.config, folder)

    def _costs(self) -> dict[str, Cost]:
        costs: dict[str, Cost] = {}
        config = self.config
        with torch.autocast(self.device.type, torch.bfloat16, enabled=config.precision == "bf16"):
            if config.image_batch and self.step_count % config.image_every == 0:
                frames, q = draw_images(self._shards, config, self._rng, self.device)
                costs["image"] = image_cost(self.image(frames, q), frames, q, config)
            if config.flow_batch:
                batch = self._chains.next(self._code_first)
                output = self.flow(batch.frames, batch.references, batch.q, batch.hints)
                self._chains.keep(output["x_hat"])
                costs["flow"] = flow_cost(output, batch.frames, batch.q, config)
        return costs

    def _descend(self) -> float:
        """Both optimisers and the average, a step on; returns the norm of the gradient before it was clipped."""
        parameters = [p for group in self._main.param_groups for p in group["params"]]
        with self._centring.around_step():
            norm = nn.utils.clip_grad_norm_(parameters, self.config.clip)
            self._main.step()
        if self.config.aux_lr:
            torch.stack([model.aux_loss() for model in (self.image, self.flow)]).sum().backward()  # type: ignore[no-untyped-call]
            self._aux.step()
        self._average.update()
        return float(norm)

    @torch.no_grad()
    def _code_first(self, frames: Tensor, q: Tensor) -> Tensor:
        """I-frames at the heads of chains, as the codec codes them: the noise of training is in the rate only."""
        x_hat: Tensor = self.image(frames, q)["x_hat"]
        return x_hat

    def _mean_inputs(self) -> dict[str, Tensor]:
        names = [name for name, layer in self.models.named_modules() if isinstance(layer, nn.Conv2d) and "hyperprior." not in name]
        chains = Chains(self._shards, self.config, self._rng, self.device)

        def passes() -> None:
            for _ in range(CENTRE_BATCHES):
                if self.config.image_batch:
                    self.image(*draw_images(self._shards, self.config, self._rng, self.device))
                if self.config.flow_batch:
                    batch = chains.next(self._code_first)
                    chains.keep(self.flow(batch.frames, batch.references, batch.q, batch.hints)["x_hat"])

        return mean_inputs(self.models, names, passes)

    def _state(self) -> dict[str, Any]:
        state = {"step": self.step_count, "models": self.models.state_dict(), "centres": self._centring.centres, "means": self._means}
        state |= {"main": self._main.state_dict(), "aux": self._aux.state_dict(), "average": self._average.state_dict()}
        state |= {"chains": self._chains.state_dict(), "numpy": self._rng.bit_generator.state, "torch": torch.get_rng_state()}
        if self.device.type == "cuda":
            state["cuda"] = torch.cuda.get_rng_state(self.device)
        return state

    def _remember(self, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            self._means[name] = value if name not in self._means else MEMORY * self._means[name] + (1 - MEMORY) * value


def train(
    config: TrainConfig, shards: Path, folder: Path, weights: Path | None = None, *, device: str = "cpu", seconds: float | None = None
) -> None:
    """Run `config` in `folder`, going on from the state that it holds, if any. Raises UsageError for unrolled chains (resident.py)."""
    if config.unroll != 1:
        raise UsageError(f"unroll is {config.unroll}; accepted here: 1; python -m streamcodec.training.lease takes more")
    trainer = Trainer(config, Shards(shards), weights, device)
    if (folder / "state.pt").exists():
        trainer.resume(folder / "state.pt")
    trainer.run(folder, seconds)


def export_weights(averaged: Mapping[str, Tensor], config: TrainConfig, folder: Path) -> None:
    """Write both models of a run from their averaged state, with their tables; one that is fresh and was not trained is left out."""
    for name, start, trained in (
        (IMAGE_NAME, config.image_start, config.image_batch),
        (FLOW_NAME, config.flow_start, config.flow_batch),
    ):
        if start == "fresh" and not trained:
            continue
        model = make_model(name, config)
        own = {key.removeprefix(f"{name}."): value.cpu() for key, value in averaged.items() if key.startswith(f"{name}.")}
        model.load_state_dict(_through_half(own))
        model.update(force=True)
        save_checkpoint(folder / f"{name}.safetensors", model, name, **model_fields(name, config))


def _figures(kind: str, cost: Cost) -> dict[str, float]:
    figures = {f"{kind}_loss": cost.loss, f"{kind}_psnr_db": -10 * cost.mse.log10()}
    figures |= {f"{name}_bpp": bits for name, bits in cost.bpp.items()}
    return {name: float(value.detach().mean()) for name, value in figures.items()}


def _through_half(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Convolution weights rounded to half precision, as the file has them, so that the tables are made from what is shipped."""
    return {key: value.half().float() if value.is_floating_point() and value.ndim == 4 else value for key, value in state.items()}
