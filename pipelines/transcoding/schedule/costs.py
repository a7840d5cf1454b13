"""How far a run is, and how long its work will take, learned from what was done."""

from dataclasses import dataclass

from ...files.locations import FileRef
from ..messages import FileDone, GopLengths, PartDone

__all__ = ["CostModel", "Counts", "Rate"]

MEMORY = 0.98
"""Weight of all earlier work each time new work comes in: about the last 50 reports count."""


@dataclass(slots=True)
class Counts:
    """Files that ended, and the work done.

    `bytes_in`: of inputs that were worked on, parts included (the measure of progress);
    `bytes_before`: those of former runs among them. `bytes_out`: of finished outputs. `retried`: tasks given again.
    """

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


@dataclass
class Rate:
    """Work done per second, as a ratio of fading sums: long pieces count for more than short."""

    work: float
    seconds: float

    @property
    def per_second(self) -> float:
        return self.work / self.seconds

    def learn(self, work: float, seconds: float) -> None:
        """Nothing is learned from a piece that did no work or took no time."""
        if work > 0 and seconds > 0:
            self.work = MEMORY * self.work + work
            self.seconds = MEMORY * self.seconds + seconds


class CostModel:
    """What one worker does in a time: by bytes of input, and by pixels.

    The first guesses stand for one second of work only, so the first report outweighs them.
    """

    def __init__(self, bytes_per_second: float, pixels_per_second: float) -> None:
        self._bytes = Rate(bytes_per_second, 1.0)
        self._pixels = Rate(pixels_per_second, 1.0)

    def of_file(self, ref: FileRef) -> float:
        """Seconds for the whole file."""
        return ref.size_bytes / self._bytes.per_second

    def pixels_in(self, seconds: float) -> float:
        """Pixels, in all frames together, that one worker codes in that time."""
        return seconds * self._pixels.per_second

    def learn_part(self, ref: FileRef, plan: GopLengths, done: PartDone) -> None:
        self._pixels.learn(done.part.frames * plan.width * plan.height, done.seconds)
        self._bytes.learn(ref.size_bytes * done.part.frames / max(plan.frames, 1), done.seconds)

    def learn_file(self, ref: FileRef, done: FileDone) -> None:
        """Learn from a file that was coded whole."""
        self._pixels.learn(done.frames * done.width * done.height, done.seconds)
        self._bytes.learn(ref.size_bytes, done.seconds)
