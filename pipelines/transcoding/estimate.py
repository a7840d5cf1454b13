"""What a job would come to: sizes and time, from samples of a few of its files."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import heappush, heapreplace
from random import Random

from streamcodec import Prediction, SearchReport, search
from streamcodec.errors import StreamCodecError
from streamcodec.runtime import prepare
from streamcodec.stream.encoder import codec_of

from ..files.layout import Places
from ..files.locations import FileRef
from ..files.outputs import Listing
from ..files.sources import Item, Sources
from ..files.storage import Storage
from .manifest.manifest import Manifest
from .recipe import Coding

__all__ = ["Estimate", "estimate"]

SAMPLED_FILES = 5


@dataclass(frozen=True)
class Estimate:
    """`files` would be coded, of `input_bytes`; `kept` are done already. From coding samples of
    `sampled` of them, the rest by their size: `output_bytes`, `frames`, and `seconds` of one worker
    like this process; None where nothing can be told. `problems`: of files that were to be
    sampled."""

    files: int
    kept: int
    input_bytes: int
    sampled: int
    output_bytes: int | None = None
    frames: int | None = None
    seconds: float | None = None
    problems: tuple[str, ...] = ()


def estimate(
    sources: Sources,
    out: str | os.PathLike[str],
    *,
    coding: Coding | None = None,
    name: str | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    state: str | os.PathLike[str] | None = None,
    files: int = SAMPLED_FILES,
    progress: Callable[[int, int | None], None] | None = None,
) -> Estimate:
    """Tell what `transcode` with the same arguments would do; writes nothing. Samples of `files`
    files, drawn by their size, are coded in this process, when videos are to be encoded. `progress`
    is called with the files that were sampled, and how many are to be.

    Raises UsageError or SourceError as `transcode` does.
    """
    coding = coding or Coding()
    listing = Listing.of(sources, name, include, exclude)
    places = Places.of(out, state)
    done = _done_outputs(places, coding)
    draw = _Draw(files)
    for item, output in coding.pairs(listing, places.out):
        draw.add(item, kept=output in done)
    if not coding.encodes or not draw.files:
        return Estimate(draw.files, draw.kept, draw.size_bytes, 0)
    return _extrapolated(draw, coding, progress)


def _done_outputs(places: Places, coding: Coding) -> set[str]:
    """Of the last run, if it was one with the same settings."""
    if not places.manifest.exists():
        return set()
    with Manifest.read(places.manifest) as manifest:
        run = manifest.run
        same = (
            run is not None
            and run.settings == coding.settings_text
            and run.models == coding.models_text
        )
        return {row.output for row in manifest.files("done")} if same else set()


@dataclass
class _Draw:
    """A sample of files without replacement, each file with a chance that grows with its size
    (Efraimidis and Spirakis 2006)."""

    size: int
    files: int = 0
    kept: int = 0
    size_bytes: int = 0
    heap: list[tuple[float, int, Item]] = field(default_factory=list)
    random: Random = field(default_factory=lambda: Random(0))

    def add(self, item: Item, *, kept: bool) -> None:
        if kept:
            self.kept += 1
            return
        self.files += 1
        self.size_bytes += item.size_bytes
        entry = (self.random.random() ** (1 / max(item.size_bytes, 1)), self.files, item)
        if len(self.heap) < self.size:
            heappush(self.heap, entry)
        elif entry[0] > self.heap[0][0]:
            heapreplace(self.heap, entry)

    @property
    def items(self) -> list[Item]:
        return [item for _, _, item in sorted(self.heap, key=lambda entry: entry[1])]


def _extrapolated(
    draw: _Draw, coding: Coding, progress: Callable[[int, int | None], None] | None
) -> Estimate:
    prepare(coding.threads)
    found: list[tuple[Item, Prediction]] = []
    problems: list[str] = []
    storage = Storage(".")
    try:
        for number, item in enumerate(draw.items, 1):
            try:
                found.append((item, _predict(storage, item, coding)))
            except StreamCodecError as error:
                problems.append(f"{item.location}: {error}")
            if progress is not None:
                progress(number, len(draw.items))
    finally:
        storage.close()
    if not found:
        return Estimate(draw.files, draw.kept, draw.size_bytes, 0, problems=tuple(problems))
    scale = draw.size_bytes / max(sum(item.size_bytes for item, _ in found), 1)
    return Estimate(
        draw.files,
        draw.kept,
        draw.size_bytes,
        len(found),
        round(scale * sum(prediction.size_bytes for _, prediction in found)),
        round(scale * sum(prediction.frames for _, prediction in found)),
        scale * sum(prediction.seconds for _, prediction in found),
        tuple(problems),
    )


def _predict(storage: Storage, item: Item, coding: Coding) -> Prediction:
    source = storage.input(FileRef(0, item.location, "", item.size_bytes, ""))
    options = coding.options
    codec = codec_of(options)
    qualities = None if options.target is not None else [options.quality]
    report: SearchReport = search(
        source, qualities=qualities, options=options, codec=codec, **coding.part
    )
    return report.found or report.predictions[0]
