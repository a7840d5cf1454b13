"""How work is cut up, and when it is given up."""

from dataclasses import dataclass

from streamcodec.errors import UsageError

__all__ = ["SchedulerOptions"]


@dataclass(frozen=True, slots=True)
class SchedulerOptions:
    """`target_seconds`: length of a task to aim at. `max_batch`: most files in one task. `split`: whether long videos are cut up.
    `max_attempts`: deaths of workers until a file is given up; `max_losses`: the same for workers lost for reasons of their own.
    `retry_errors`: how often a file is tried again after an exception. `max_failures`: failed files beyond which the run stops.
    `max_in_flight`: most tasks at a time. `verify`: every output is checked by a task of its own. `bytes_per_second` of input and
    `pixels_per_second`: first guesses of one worker's speed.
    """

    target_seconds: float = 20.0
    max_batch: int = 64
    split: bool = True
    max_attempts: int = 3
    max_losses: int = 20
    retry_errors: int = 0
    max_failures: int | None = None
    max_in_flight: int | None = None
    verify: bool = False
    bytes_per_second: float = 50e3
    pixels_per_second: float = 2e6

    def __post_init__(self) -> None:
        for name in (
            "target_seconds",
            "max_batch",
            "max_attempts",
            "max_losses",
            "bytes_per_second",
            "pixels_per_second",
        ):
            if not getattr(self, name) > 0:
                raise UsageError(f"{name} is {getattr(self, name)!r}; accepted: more than 0")
        for name, least in (("retry_errors", 0), ("max_failures", 0), ("max_in_flight", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise UsageError(f"{name} is {value!r}; accepted: {least} or more")
