"""A run in figures: sums, quantiles, and a sample of its files to plot, in one pass and constant
memory."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from streamcodec.errors import PARTLY_FAILED
from streamcodec.rates import bits_per_pixel

from ..manifest.manifest import Manifest
from ..manifest.rows import FileRow, RunRow, Totals, Work
from .listed import Listed

__all__ = ["Summary", "quantile", "sum_up"]

SAMPLE = 4000  # files to plot
EXIT_CANCELLED = 130


@dataclass(frozen=True)
class Summary:
    """A run. Sums are over all files that are done, in this run or before: `input_bytes`,
    `output_bytes`, `frames`, and `seconds` of work of all workers; `work` is what the runs took that
    did it. `sample`: files that are done, by chance if there are too many to plot; `listed`: those
    that the page lists, of many those that stand out, the worst first. `errors`: the commonest, with their numbers.
    `noted`: files with notes, as something of them is changed or not kept; `notes`: the commonest, with their numbers.
    """

    run: RunRow
    totals: Totals
    input_bytes: int
    output_bytes: int
    frames: int
    pixels: int
    seconds: float
    work: Work
    sample: tuple[FileRow, ...]
    listed: tuple[FileRow, ...]
    errors: tuple[tuple[str, int], ...]
    noted: int = 0
    notes: tuple[tuple[str, int], ...] = ()

    @property
    def wall_seconds(self) -> float | None:
        """Of all runs that did this work; None if that is not known."""
        return self.work.seconds if self.work.runs else None

    @property
    def bpp(self) -> float | None:
        """Bits per pixel over all pixels."""
        return bits_per_pixel(self.output_bytes, 1, self.pixels, 1) if self.pixels else None

    @property
    def exit_code(self) -> int:
        """0: all is done; 4: a part failed or is not done; 130: cancelled."""
        if self.run.state == "cancelled":
            return EXIT_CANCELLED
        return PARTLY_FAILED if self.totals.failed or self.totals.pending else 0


@dataclass
class _Sums:
    input_bytes: int = 0
    output_bytes: int = 0
    frames: int = 0
    pixels: int = 0
    seconds: float = 0.0
    errors: Counter[str] = field(default_factory=Counter)
    noted: int = 0
    notes: Counter[str] = field(default_factory=Counter)

    def add(self, row: FileRow) -> None:
        frames = row.frames or 0
        self.input_bytes += row.input_bytes
        self.output_bytes += row.output_bytes or 0
        self.frames += frames
        self.pixels += frames * (row.width or 0) * (row.height or 0)
        self.seconds += row.seconds or 0.0
        self.noted += row.notes is not None
        self.notes.update((row.notes or "").splitlines())


def sum_up(manifest: Manifest) -> Summary | None:
    """The manifest's last run; None if there was none."""
    run = manifest.run
    if run is None:
        return None
    sums, sample, listed = _Sums(), _Sample(SAMPLE), Listed()
    for row in manifest.files():
        if row.state == "done":
            sums.add(row)
            sample.add(row)
            listed.add(row)
        elif row.state == "failed":
            sums.errors[_kind(row.error or "unknown")] += 1
    figures = (sums.input_bytes, sums.output_bytes, sums.frames, sums.pixels, sums.seconds)
    return Summary(
        run,
        manifest.totals(),
        *figures,
        manifest.work(),
        tuple(sample),
        listed.rows(),
        tuple(sums.errors.most_common(12)),
        sums.noted,
        tuple(sums.notes.most_common(12)),
    )


def _kind(error: str) -> str:
    """What errors of many files have in common: their class, or else how they begin."""
    name, colon, _ = error.partition(": ")
    return name if colon and name.isidentifier() else " ".join(error.split()[:5])


class _Sample:
    """Each of the rows with the same chance (reservoir sampling); the same rows give the same
    sample."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._seen = 0
        self._rows: list[FileRow] = []
        self._random = Random(0)

    def add(self, row: FileRow) -> None:
        self._seen += 1
        if len(self._rows) < self._size:
            self._rows.append(row)
        elif (place := self._random.randrange(self._seen)) < self._size:
            self._rows[place] = row

    def __iter__(self) -> Iterator[FileRow]:
        return iter(self._rows)


def quantile(values: list[float], share: float) -> float:
    """Of sorted values, at least one; share 0.5 is the median."""
    return values[min(int(share * len(values)), len(values) - 1)]
