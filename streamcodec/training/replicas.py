"""Processes that train one model together: each on clips of its own, with the mean of all
gradients. One process needs nothing of it.

The processes have joined a group of torch.distributed before. What they hold of the model is the
same in all of them in every step: they begin with the weights of rank 0, and their optimisers see
the same gradients.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from streamcodec.errors import UsageError

__all__ = ["ALONE", "Replicas"]


@dataclass(frozen=True)
class Replicas:
    """Process `rank` (0 writes) of `world`."""

    rank: int = 0
    world: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.world:
            raise UsageError(
                f"rank is {self.rank} of {self.world} processes; accepted: 0 to {self.world - 1}"
            )

    def average(self, tensors: Iterable[Tensor]) -> None:
        """Replace each tensor by its mean over the processes, all at once."""
        if self.world > 1:
            self._exchange(list(tensors), average=True)

    def spread(self, tensors: Iterable[Tensor]) -> None:
        """Replace each tensor by that of rank 0."""
        if self.world > 1:
            self._exchange(list(tensors), average=False)

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process."""
        if self.world == 1:
            return flag
        flags: list[bool] = [False] * self.world
        dist.all_gather_object(flags, flag)
        return any(flags)

    def gather(self, value: Any) -> list[Any]:
        """The values of all processes by rank, in rank 0; elsewhere the own one."""
        if self.world == 1:
            return [value]
        values = [None] * self.world if self.rank == 0 else None
        dist.gather_object(value, values)
        return values or [value]

    def _exchange(self, tensors: list[Tensor], *, average: bool) -> None:
        flat = torch.cat([tensor.detach().flatten().float() for tensor in tensors])
        if average:
            dist.all_reduce(flat)
            flat /= self.world
        else:
            dist.broadcast(flat, 0)
        for tensor, part in zip(
            tensors, torch.split(flat, [tensor.numel() for tensor in tensors]), strict=True
        ):
            tensor.detach().copy_(part.view(tensor.shape))


ALONE = Replicas()
