"""The training step, and states from which a run goes on bit for bit. Needs torch and numpy only; run.py makes a run of it."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from streamcodec.errors import UsageError
from streamcodec.models import CompressionModel, ImageModel, QuarterFlow
from streamcodec.training.centre import Centring, mean_inputs
from streamcodec.training.chains import Chains, draw_images
from streamcodec.training.config import TrainConfig
from streamcodec.training.data import ClipSource
from streamcodec.training.export import export_weights
from streamcodec.training.loss import Cost, figures_of, image_cost, mean_loss
from streamcodec.training.optimizer import Average, make_optimizers, schedule
from streamcodec.training.replicas import ALONE, Replicas
from streamcodec.training.start import FLOW_NAME, IMAGE_NAME, start_models
from streamcodec.training.unroll import walk_unrolled

__all__ = ["Trainer"]

CENTRE_BATCHES = 6
MEMORY = 0.96
"""Decay of the running means in the log."""


class Trainer:
    """One run. `weights`: folder of the weights files to start from, where the config does. `replicas`: the processes that share it."""

    def __init__(
        self, config: TrainConfig, source: ClipSource, weights: Path | None = None, device: str = "cpu", replicas: Replicas = ALONE
    ) -> None:
        self.config, self.device, self.replicas, self.step_count = config, torch.device(device), replicas, 0
        self.means: dict[str, float] = {}
        torch.manual_seed(config.seed)
        self.source, self._rng = source, np.random.default_rng(config.seed)
        self.models = nn.ModuleDict(self._start(weights))
        layout = torch.channels_last if config.channels_last else torch.contiguous_format
        self.models.to(self.device, memory_format=layout).train()  # type: ignore[call-overload]
        if replicas.world > 1:
            replicas.spread(self.models.parameters())
            torch.manual_seed(config.seed + 1000 * replicas.rank)
            self._rng = np.random.default_rng([config.seed, replicas.rank])
        self._chains = Chains(source, config, self._rng, self.device)
        centres = self._centres()
        replicas.average(centres.values())
        self._centring = Centring(self.models, centres)
        self._main, self._aux = make_optimizers(self.models, config)
        self._average = Average(self.models.named_parameters(), config.ema)
        if config.compile:
            for model in self.models.children():
                model.compile(dynamic=False)

    @property
    def image(self) -> ImageModel:
        return self.models[IMAGE_NAME]  # type: ignore[return-value]

    @property
    def flow(self) -> QuarterFlow:
        return self.models[FLOW_NAME]  # type: ignore[return-value]

    @property
    def lr(self) -> float:
        """The transforms' learning rate in the next step."""
        return self.config.lr * schedule(self.step_count, self.config)

    def get_ready(self) -> bool:
        """Do a part of what comes before the first step; False if nothing of it is left."""
        return False

    def step(self) -> dict[str, float]:
        """One step of the optimisers; returns what it cost, by name, in the mean over the processes.

        A loss or gradient that is not finite changes nothing and restarts the chains.
        """
        for optimizer in (self._main, self._aux):
            optimizer.zero_grad(set_to_none=True)
            for group in optimizer.param_groups:
                group["lr"] = group["base_lr"] * schedule(self.step_count, self.config)
        costs = self._costs()
        for some in costs.values():
            mean_loss(some).backward()  # type: ignore[no-untyped-call]
        named = {name: value.detach() for kind, some in costs.items() for name, value in figures_of(kind, some).items()}
        values = torch.stack(list(named.values())).double()
        parameters = [p for group in self._main.param_groups for p in group["params"]]
        self.replicas.average([values, *(p.grad for p in parameters if p.grad is not None)])
        norm = self._descend(parameters) if values.isfinite().all() else float("nan")
        if not np.isfinite(norm):
            self._chains.restart()
        self.step_count += 1
        figures = dict(zip(named, values.tolist(), strict=True)) | {"gradient": norm}
        self._remember(figures)
        return figures

    def save(self, path: Path) -> None:
        """Write everything that the next step depends on; replaces the file at once or not at all. Every process must call it."""
        state = {"config": asdict(self.config), **self._state()}
        if self.replicas.rank == 0:
            partial = path.with_suffix(".part")
            torch.save(state, partial)
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
        if len(state["ranks"]) != self.replicas.world:
            raise UsageError(f"{path} is the state of {len(state['ranks'])} processes; accepted: as many, not {self.replicas.world}")
        self._restore(state)

    def export(self, folder: Path) -> None:
        """Write the averaged weights with their tables, each model as a weights file of its name.

        A model that is fresh and was not trained is left out.
        """
        export_weights(self._average.over(self.models.state_dict()), self.config, folder)

    def _start(self, weights: Path | None) -> dict[str, CompressionModel]:
        """The models by name, on the CPU."""
        image, flow = start_models(self.config, self.source, weights, self._rng)
        return {IMAGE_NAME: image, FLOW_NAME: flow}

    def _costs(self) -> dict[str, list[Cost]]:
        """Of the I-frames, and of each P-frame of the chains that are drawn."""
        costs: dict[str, list[Cost]] = {}
        config = self.config
        with self._autocast():
            if config.image_batch and self.step_count % config.image_every == 0:
                frames, q = draw_images(self.source, config, self._rng, self.device)
                costs["image"] = [image_cost(self.image(frames, q), frames, q, config)]
            if config.flow_batch:
                costs["flow"] = self._walk(self._chains)
        return costs

    def _walk(self, chains: Chains) -> list[Cost]:
        batch = chains.next(self._code_first)
        costs, x_hat = walk_unrolled(self.flow, chains.frames(batch), batch.references, batch.q, self.config)
        chains.keep(x_hat)
        return costs

    def _descend(self, parameters: list[nn.Parameter]) -> float:
        """Both optimisers and the average, a step on, if the gradient is finite; returns its norm before it was clipped."""
        with self._centring.around_step():
            norm = nn.utils.clip_grad_norm_(parameters, self.config.clip)
            if not norm.isfinite():
                return float(norm)
            self._main.step()
        if self.config.aux_lr:
            self._aux_loss().backward()  # type: ignore[no-untyped-call]
            self._aux.step()
        self._average.update()
        return float(norm)

    def _aux_loss(self) -> Tensor:
        """Of the models that are trained."""
        trained = ((self.image, self.config.image_batch), (self.flow, self.config.flow_batch))
        return torch.stack([model.aux_loss() for model, batch in trained if batch]).sum()

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.precision == "bf16")

    @torch.no_grad()
    def _code_first(self, frames: Tensor, q: Tensor) -> Tensor:
        """I-frames at the heads of chains, as the codec codes them: the noise of training is in the rate only."""
        x_hat: Tensor = self.image(frames, q)["x_hat"]
        return x_hat

    def _centres(self) -> dict[str, Tensor]:
        """Mean inputs of the transforms' convolutions, for centre.py."""
        names = [name for name, layer in self.models.named_modules() if isinstance(layer, nn.Conv2d) and "hyperprior." not in name]
        chains = Chains(self.source, self.config, self._rng, self.device)

        def passes() -> None:
            for _ in range(CENTRE_BATCHES):
                if self.config.image_batch:
                    self.image(*draw_images(self.source, self.config, self._rng, self.device))
                if self.config.flow_batch:
                    self._walk(chains)

        return mean_inputs(self.models, names, passes)

    def _state(self) -> dict[str, Any]:
        state = {"step": self.step_count, "models": self.models.state_dict(), "centres": self._centring.centres, "means": self.means}
        state |= {"main": self._main.state_dict(), "aux": self._aux.state_dict(), "average": self._average.state_dict()}
        own = {"chains": self._chains.state_dict(), "source": self.source.state_dict()}
        own |= {"numpy": self._rng.bit_generator.state, "torch": torch.get_rng_state()}
        if self.device.type == "cuda":
            own["cuda"] = torch.cuda.get_rng_state(self.device)
        return {**state, "ranks": self.replicas.gather(own)}

    def _restore(self, state: Mapping[str, Any]) -> None:
        self.models.load_state_dict(state["models"])
        self._centring = Centring(self.models, state["centres"])
        for part, name in ((self._main, "main"), (self._aux, "aux"), (self._average, "average")):
            part.load_state_dict(state[name])
        own = state["ranks"][self.replicas.rank]
        self._chains.load_state_dict(own["chains"])
        self.source.load_state_dict(own["source"])
        self._rng.bit_generator.state = own["numpy"]
        torch.set_rng_state(own["torch"].cpu())
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(own["cuda"].cpu(), self.device)
        self.step_count, self.means = state["step"], state["means"]

    def _remember(self, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            if np.isfinite(value):
                self.means[name] = MEMORY * self.means.get(name, value) + (1 - MEMORY) * value
