"""The trainer for a GPU: data and chains on the device, a step that is captured once and replayed, no wait for the device but to log.

What a step learns is what Trainer learns, and in addition gradients pass from the P-frames into the I-frames at the head of a chain.
The mean loss of the I-frames and that of the P-frames count alike.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from streamcodec.errors import UsageError
from streamcodec.training.chains import lay, snap_straight_through
from streamcodec.training.config import TrainConfig
from streamcodec.training.data import Shards
from streamcodec.training.loop import Trainer
from streamcodec.training.loss import Cost, figures_of, image_cost, mean_loss
from streamcodec.training.optimizer import Average, schedule
from streamcodec.training.resident import Clips, ResidentChains
from streamcodec.training.unroll import walk_unrolled

__all__ = ["MODES", "Mode", "ResidentTrainer", "Span"]

Mode = Literal["compiled", "graph", "eager"]
"""compiled: networks fused by torch.compile, the whole step a CUDA graph. graph: a CUDA graph of the plain step. eager: neither."""
MODES: tuple[Mode, ...] = ("compiled", "graph", "eager")
WARM_STEPS = 4


@dataclass(frozen=True)
class Span:
    """The part of a run that is done now: up to `end` (time.monotonic() seconds), at which the schedule stands at `until` (0 to 1)."""

    end: float
    until: float = 1.0


class ResidentTrainer(Trainer):
    """One run on `device`. All that a step needs is there before the first; call `prepare` before `advance`."""

    def __init__(self, config: TrainConfig, shards: Shards, weights: Path | None = None, device: str = "cuda") -> None:
        if config.stage == "entropy":
            raise UsageError("stage is entropy; accepted here: joint (a CPU is enough for the other: streamcodec train)")
        super().__init__(config, shards, weights, device)
        torch.manual_seed(config.seed)
        self.progress = 0.0
        self._graph: torch.cuda.CUDAGraph | None = None
        self.resident = ResidentChains(Clips(shards, config.crop, self.device), config)
        self._main, self._aux = fused_adam(self._main), fused_adam(self._aux)
        self._bad = torch.zeros((), device=self.device)
        self._sums: dict[str, Tensor] = {}
        self._filled = False

    def prepare(self, mode: Mode) -> None:
        """Make the step ready, with a few steps of training; raises whatever PyTorch raises if it cannot work in this mode."""
        if not self._filled and self.config.flow_batch:
            with self._autocast():
                self.resident.fill(self._code_first)
        self._filled = True
        if mode == "compiled":
            for model in self.models.children():
                model.compile(dynamic=False)
        if mode == "eager" or self.device.type != "cuda":
            return
        stream = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(stream):
            for _ in range(WARM_STEPS):
                self.advance()
        torch.cuda.synchronize(self.device)
        self._clear_gradients()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
            self._learn()
        torch.cuda.current_stream(self.device).wait_stream(stream)
        self._graph = graph

    def advance(self) -> None:
        """One step. Nothing is waited for; a step whose loss or gradient is not finite changes nothing but the chains."""
        factor = schedule(self.step_count, self.config, self.progress)
        for group in (*self._main.param_groups, *self._aux.param_groups):
            group["lr"].fill_(group["base_lr"] * factor)
        if self._graph is None:
            self._clear_gradients()
            self._learn()
        else:
            self._graph.replay()
        self._average.update()
        self.step_count += 1

    def work(
        self, span: Span | None, report: Callable[[dict[str, float]], None], save: Callable[[], None], save_seconds: float = 150
    ) -> None:
        """Train through `span`, or to the config's last step; `report` every `log_every` steps, `save` every so many seconds."""
        begin = saved = time.monotonic()
        first, first_step = self.progress, self.step_count
        while self.progress < (span.until if span else 1.0):
            self.advance()
            now = time.monotonic()
            if span is None:
                self.progress = self.step_count / self.config.steps
            else:
                self.progress = first + (span.until - first) * min(1.0, (now - begin) / max(span.end - begin, 1e-9))
            if self.step_count % self.config.log_every == 0:
                figures = self.read_figures()
                seconds = time.monotonic() - begin
                rate = (self.step_count - first_step) / seconds
                report({"step": self.step_count, "progress": self.progress, "seconds": seconds, "steps_per_second": rate, **figures})
            if now - saved > save_seconds:
                save()
                saved = time.monotonic()

    def read_figures(self) -> dict[str, float]:
        """Means since the last reading, and `skipped`: steps of those that were not finite. Waits for the device."""
        if not self._sums:
            return {}
        names, values = list(self._sums), torch.stack(list(self._sums.values())).tolist()
        torch._foreach_zero_(list(self._sums.values()))
        sums = dict(zip(names, values, strict=True))
        count = sums.pop("count")
        return {name: value / max(count, 1) for name, value in sums.items() if name != "skipped"} | {"skipped": sums["skipped"]}

    def compact(self) -> dict[str, Any]:
        """What is worth carrying to another machine: averaged weights (convolutions float16) and Adam's squares (bfloat16), on the CPU."""
        averaged = self._average.over(self.models.state_dict())
        weights = {name: (value.half() if value.ndim == 4 else value).cpu() for name, value in averaged.items()}
        squares = {
            name: state["exp_avg_sq"].bfloat16().cpu()
            for optimizer in (self._main, self._aux)
            for name, parameter in self.models.named_parameters()
            if (state := optimizer.state.get(parameter))
        }
        return {"config": asdict(self.config), "step": self.step_count, "progress": self.progress, "weights": weights, "squares": squares}

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `compact`: where it stopped if the config is the same, else from its weights. UsageError if they do not fit."""
        try:
            self.models.load_state_dict({name: value.float() for name, value in state["weights"].items()})
        except RuntimeError as error:
            raise UsageError(f"the state is of other models than the training config asks for: {error}") from error
        self._average = Average(self.models.named_parameters(), self.config.ema)
        same = state["config"] == asdict(self.config)
        if same:
            self.step_count, self.progress = state["step"], state["progress"]
            torch.manual_seed(self.config.seed + self.step_count)  # other clips than in the beginning
        for optimizer in (self._main, self._aux):
            for parameter, squares in self._with_squares(optimizer, state["squares"]):
                count = torch.tensor(float(state["step"]), device=self.device)
                fields = {"step": count, "exp_avg": torch.zeros_like(parameter), "exp_avg_sq": squares}
                optimizer.state[parameter] = fields

    def _with_squares(self, optimizer: torch.optim.Optimizer, squares: Mapping[str, Tensor]) -> list[tuple[nn.Parameter, Tensor]]:
        own = {parameter for group in optimizer.param_groups for parameter in group["params"]}
        named = [(name, parameter) for name, parameter in self.models.named_parameters() if parameter in own and name in squares]
        return [(parameter, torch.empty_like(parameter).copy_(squares[name])) for name, parameter in named]

    def _learn(self) -> None:
        """The whole of a step: forward, backward, optimisers, figures; on the device alone."""
        with self._autocast():
            costs = self._chain_costs() if self.config.flow_batch else self._image_costs()
            loss = torch.stack([mean_loss(some) for some in costs.values()]).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        parameters = [p for group in self._main.param_groups for p in group["params"]]
        for parameter in parameters:
            match_layout(parameter)
        with self._centring.around_step():
            norm = nn.utils.clip_grad_norm_(parameters, self.config.clip)
            self._bad.copy_(~(loss.detach() + norm).isfinite())
            self._main.found_inf = self._bad  # type: ignore[attr-defined]  # the fused optimiser then leaves everything as it is
            self._main.step()
        if self.config.aux_lr:
            self._aux_loss().backward()  # type: ignore[no-untyped-call]
            for quantiles in self._aux.param_groups[0]["params"]:
                match_layout(quantiles)
            self._aux.step()
        with torch.no_grad():
            figures = {name: value for kind, some in costs.items() for name, value in figures_of(kind, some).items()}
            self._note({"gradient": norm, **figures})

    def _image_costs(self) -> dict[str, list[Cost]]:
        clips, count = self.resident.clips, self.config.image_batch
        frames, q = clips.frames(clips.draw(count)), self.resident.draw_q(count)
        return {"image": [image_cost(self.image(frames, q), frames, q, self.config)]}

    def _chain_costs(self) -> dict[str, list[Cost]]:
        """I-frames at the heads of the chains that start, then `unroll` P-frames of all that were drawn."""
        resident, config = self.resident, self.config
        chains = resident.draw()
        starting = chains[: config.image_batch]
        resident.start(starting)
        frames, q = resident.clips.frames(resident.walk[starting]), resident.q[chains]
        heads = self.image(frames, q[: config.image_batch])
        images = [image_cost(heads, frames, q[: config.image_batch], config)]
        references = torch.cat((snap_straight_through(heads["x_hat"]), resident.references[chains[config.image_batch :]]))
        walked = (resident.advance(chains) for _ in range(config.unroll))
        flows, x_hat = walk_unrolled(self.flow, walked, lay(references, config), q, config)
        resident.keep(chains, x_hat)
        return {"image": images, "flow": flows}

    def _note(self, figures: Mapping[str, Tensor]) -> None:
        """Add to the sums, unless the step was skipped."""
        sums = self._sums
        for name in (*figures, "count", "skipped"):
            sums.setdefault(name, torch.zeros((), device=self.device))
        for name, value in figures.items():
            sums[name].add_(torch.where(self._bad == 0, value.detach().float(), 0.0))
        sums["count"].add_(1 - self._bad)
        sums["skipped"].add_(self._bad)

    def _clear_gradients(self) -> None:
        for optimizer in (self._main, self._aux):
            optimizer.zero_grad(set_to_none=True)

    def _state(self) -> dict[str, Any]:
        return {**super()._state(), "resident": self.resident.state_dict(), "progress": self.progress}

    def _restore(self, state: Mapping[str, Any]) -> None:
        if "resident" not in state:
            raise UsageError("the training state is that of a run without chains on the device; use another folder")
        super()._restore(state)
        self.resident.load_state_dict(state["resident"])
        self.progress, self._filled = state["progress"], True


def fused_adam(adam: torch.optim.Optimizer) -> torch.optim.Adam:
    """The same groups in one kernel, with rates that are tensors, so that a captured step can be given another rate."""
    groups: list[dict[str, Any]] = []
    for group in adam.param_groups:
        device = group["params"][0].device
        changed = {"lr": torch.tensor(float(group["lr"]), device=device), "fused": True, "foreach": False}
        groups.append({**group, **changed, "capturable": device.type == "cuda"})
    return torch.optim.Adam(groups, fused=True)


def match_layout(parameter: nn.Parameter) -> None:
    """Give the gradient the parameter's strides, which the fused optimiser asks for; they may differ along sides of 1."""
    gradient = parameter.grad
    if gradient is not None and gradient.stride() != parameter.stride():
        parameter.grad = torch.empty_like(parameter).copy_(gradient)
