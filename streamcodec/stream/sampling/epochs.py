"""The epoch of a dataset, which worker processes see change."""

import os
import sys
from typing import Any

__all__ = ["SharedEpoch"]


class SharedEpoch:
    """A number, 0 at first, that workers see change: forked ones, and those that a loader sends it to.

    A worker's first iteration takes the number that stood when the process was made, as that may
    start later than the loop that asked for it. Without PyTorch, which has such workers, the number
    is this process's own. A copy made by pickle or copy.deepcopy goes its own way.

    A later iteration of a worker that lives on takes the number as it stands. Which iteration a
    change is for cannot be told while one begins: a loader starts it without a word to the dataset,
    its workers answer before they come here, and `iter(loader)` returns with those answers. A change
    just before that and one just after look alike to a worker that has answered and is not here yet.
    """

    def __init__(self) -> None:
        self._at_start = 0
        self._begun_in: int | None = None
        self._shared = _shared_integer()

    def set(self, epoch: int) -> None:
        self._at_start = epoch
        if self._shared is not None:
            self._shared.fill_(epoch)

    def of_iteration(self, *, in_worker: bool) -> int:
        """The epoch of an iteration that begins now."""
        first = in_worker and self._begun_in != os.getpid()
        self._begun_in = os.getpid() if in_worker else self._begun_in
        return self._at_start if first or self._shared is None else int(self._shared)

    @property
    def now(self) -> int:
        """The number as it stands."""
        return self._at_start if self._shared is None else int(self._shared)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self._shared is not None:
            self._shared.share_memory_()


def _shared_integer() -> Any:
    """A tensor of one int64 in memory that processes share, 0; None without PyTorch."""
    if sys.modules.get("torch") is None:
        return None
    import torch

    shared: Any = torch.zeros((), dtype=torch.int64)
    return shared.share_memory_()
