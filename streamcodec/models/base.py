"""What all models share: their probability tables, and the two signatures that the codec calls."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypedDict

import numpy as np
import torch
from torch import Tensor, nn

from streamcodec.entropy.context import ContextData
from streamcodec.entropy.tables import TableData
from streamcodec.errors import ModelError
from streamcodec.models.exact.context import IntegerContext
from streamcodec.models.latents.densities import EntropyBottleneck, GaussianConditional
from streamcodec.models.latents.hyperprior import HyperpriorLatent
from streamcodec.models.published_keys import current_keys
from streamcodec.models.symbols import SymbolChannel

__all__ = ["CompressionModel", "ImageModel", "ImageOutput", "InterModel", "InterOutput"]


class ImageOutput(TypedDict):
    """x_hat (N, 3, H, W) float, not clamped. likelihoods: name of the latent -> likelihoods, in (0, 1]."""

    x_hat: Tensor
    likelihoods: dict[str, Tensor]


class InterOutput(TypedDict):
    """x_hat and prediction (N, 3, H, W) float, not clamped. flow (N, 2, H/4, W/4): x, y displacement in pixels of the frame.

    likelihoods: "motion" and "residual" -> name of the latent -> likelihoods, in (0, 1].
    """

    x_hat: Tensor
    prediction: Tensor
    flow: Tensor
    likelihoods: dict[str, dict[str, Tensor]]


class CompressionModel(nn.Module):
    """A network with entropy models. Before coding it needs tables: from `update()`, or loaded with the weights."""

    def aux_loss(self) -> Tensor:
        """Scalar loss of the bottlenecks' quantiles; it trains nothing else."""
        return torch.stack([bottleneck.loss() for bottleneck in self._bottlenecks()]).sum()

    def update(
        self, scale_table: Sequence[float] | Tensor | None = None, force: bool = False
    ) -> bool:
        """Make the probability tables and the exact scale paths from the weights; returns whether anything changed.

        What is there already stays unless `force` (after training). `scale_table`: rising standard deviations, each with a table.
        """
        changed = [bottleneck.update(force) for bottleneck in self._bottlenecks()]
        rescaled = [
            conditional.update_scale_table(scale_table, force)
            for conditional in self._conditionals()
        ]
        changed += [latent.update_integer(force or any(rescaled)) for latent in self._latents()]
        return any(changed) or any(rescaled)

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> Any:
        """Load weights, of any published age and wrapping (published_keys.py), with or without tables and exact scale path.

        Without them, or with tables of another precision, the model counts as not updated. RuntimeError if keys or shapes do not fit.
        """
        return super().load_state_dict(current_keys(state_dict), strict=strict, assign=assign)

    def tables(self) -> TableData:
        """All probability tables: the Gaussians' rows once, then the bottlenecks' rows.

        ModelError before update(), or where loaded tables do not fit each other or the exact scale paths.
        """
        gaussian = [conditional.tables() for conditional in self._conditionals()]
        if not all(_are_equal(tables, gaussian[0]) for tables in gaussian):
            raise ModelError(
                "probability tables are damaged: the Gaussians' differ between the latents"
            )
        for latent in self._latents():
            latent.check_tables()
        return TableData.join(
            *gaussian[:1], *(bottleneck.tables() for bottleneck in self._bottlenecks())
        )

    def contexts(self) -> tuple[ContextData, ...]:
        """The context models of its latents, in the order of the modules; most models have none. ModelError before update()."""
        return tuple(
            module.data() for module in self.modules() if isinstance(module, IntegerContext)
        )

    def _bottlenecks(self) -> Iterator[EntropyBottleneck]:
        return (module for module in self.modules() if isinstance(module, EntropyBottleneck))

    def _conditionals(self) -> Iterator[GaussianConditional]:
        return (module for module in self.modules() if isinstance(module, GaussianConditional))

    def _latents(self) -> Iterator[HyperpriorLatent]:
        return (module for module in self.modules() if isinstance(module, HyperpriorLatent))


class ImageModel(CompressionModel):
    """Codes a frame on its own."""

    def forward(self, x: Tensor) -> ImageOutput:
        """Differentiable: x (N, 3, H, W) float in [0, 1], H and W multiples of 16."""
        raise NotImplementedError

    def code(self, x: Tensor | None, size: tuple[int, int], channel: SymbolChannel) -> Tensor:
        """Code x (1, 3, *size), or decode it if None -> x_hat (1, 3, *size) float, not clamped, the same on both sides.

        size: (height, width), multiples of 16. ModelError before update() or if x is not finite.
        """
        raise NotImplementedError


class InterModel(CompressionModel):
    """Codes a frame given the decoded frame before it."""

    def forward(self, x: Tensor, reference: Tensor) -> InterOutput:
        """Differentiable: x, reference (N, 3, H, W) float in [0, 1], H and W multiples of 16."""
        raise NotImplementedError

    def code(self, x: Tensor | None, reference: Tensor, channel: SymbolChannel) -> Tensor:
        """Code x (1, 3, H, W), or decode it if None, given reference (1, 3, H, W) -> x_hat (1, 3, H, W), the same on both sides."""
        raise NotImplementedError


def _are_equal(a: TableData, b: TableData) -> bool:
    pairs = ((a.quantized_cdf, b.quantized_cdf), (a.cdf_length, b.cdf_length), (a.offset, b.offset))
    return all(np.array_equal(*pair) for pair in pairs)
