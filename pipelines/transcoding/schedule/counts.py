"""How far a run is."""

from dataclasses import dataclass

__all__ = ["Counts"]


@dataclass(slots=True)
class Counts:
    """Files that ended, and the work done. `bytes_in`: of the inputs that were worked on, parts of them included (the measure of
    progress), of which `bytes_before` by former runs; `bytes_out`: of finished outputs. `retried`: pieces of work given out again."""

    done: int = 0
    failed: int = 0
    skipped: int = 0
    gops: int = 0
    frames: int = 0
    bytes_in: float = 0.0
    bytes_before: float = 0.0
    bytes_out: int = 0
    retried: int = 0

    @property
    def files(self) -> int:
        """Files that ended, in whatever way."""
        return self.done + self.failed + self.skipped
