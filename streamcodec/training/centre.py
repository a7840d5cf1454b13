"""Optimiser steps as if every convolution saw centred inputs.

Behind a ReLU, features have means as large as their deviations (much larger where principal.py carries signed values on a bias), so a
small step of the weights shifts every output. With y = W (x - c) + b', c the mean input, a step of W leaves the mean output
where it is. The network stays as it is: the gradient of W in those terms is g_W - g_b c, and after the step the bias
b = b' - W c follows the weights.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

__all__ = ["Centring", "mean_inputs"]


class Centring:
    """`centres`: name of a convolution in `model` -> mean of its input (C,). Convolutions that are not named are left alone."""

    def __init__(self, model: nn.Module, centres: Mapping[str, Tensor]) -> None:
        self.centres = dict(centres)
        self._layers = [(model.get_submodule(name), centre) for name, centre in self.centres.items()]

    @contextmanager
    def around_step(self) -> Iterator[None]:
        """Hold this around clipping and the optimiser's step."""
        trained = [(conv.weight, conv.bias, centre) for conv, centre in self._layers if isinstance(conv, nn.Conv2d)]
        before = [weight.detach().clone() for weight, _, _ in trained]
        for weight, bias, centre in trained:
            if weight.grad is not None and bias is not None and bias.grad is not None:
                weight.grad -= bias.grad[:, None, None, None] * centre[:, None, None]
        yield
        with torch.no_grad():
            for (weight, bias, centre), old in zip(trained, before, strict=True):
                if bias is not None:
                    bias -= (weight - old).sum((2, 3)) @ centre


@torch.no_grad()
def mean_inputs(model: nn.Module, names: Sequence[str], passes: Callable[[], None]) -> dict[str, Tensor]:
    """Mean input (C,) of the named convolutions over the forward passes that `passes` makes; those that saw none are left out."""
    sums: dict[str, list[Tensor]] = {name: [] for name in names}

    def watch(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        return lambda _, inputs: sums[name].append(inputs[0].float().mean((0, 2, 3)))

    handles = [model.get_submodule(name).register_forward_pre_hook(watch(name)) for name in names]
    try:
        passes()
    finally:
        for handle in handles:
            handle.remove()
    return {name: torch.stack(seen).mean(0) for name, seen in sums.items() if seen}
