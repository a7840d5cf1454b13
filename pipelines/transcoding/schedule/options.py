"""Options of the scheduler."""

from dataclasses import dataclass

from streamcodec.errors import UsageError
from streamcodec.option_fields import option

__all__ = ["SchedulerOptions"]


@dataclass(frozen=True, slots=True)
class SchedulerOptions:
    """How work is cut up, and when it is given up.

    `target_seconds`: length of a task to aim at. `max_batch`: most files in one task. `split`:
    whether long videos are cut up. `max_attempts`: deaths of workers until a file is given up;
    `max_losses`: the same for workers lost for reasons of their own. `max_failures`: failed files
    beyond which the run stops. `verify`: every output is checked by a task of its own.
    `bytes_per_second` of input and `pixels_per_second`: first guesses of one worker's speed.
    """

    target_seconds: float = option(
        20.0, "Length of a task to aim at.", flag="--task-seconds", above=0
    )
    max_batch: int = 64
    split: bool = True
    max_attempts: int = 3
    max_losses: int = 20
    max_failures: int | None = option(
        None, "Stop when more files than this have failed.", least=0, default="never"
    )
    verify: bool = option(
        False, "Check every output: checksums, frame count and times against its input."
    )
    bytes_per_second: float = 50e3
    pixels_per_second: float = 2e6

    def __post_init__(self) -> None:
        positive = ("target_seconds", "max_batch", "max_attempts", "max_losses")
        for name in (*positive, "bytes_per_second", "pixels_per_second"):
            if not getattr(self, name) > 0:
                raise UsageError(f"{name} is {getattr(self, name)!r}; accepted: more than 0")
        if self.max_failures is not None and self.max_failures < 0:
            raise UsageError(f"max_failures is {self.max_failures!r}; accepted: 0 or more")
