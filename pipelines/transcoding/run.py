"""`transcode`: a dataset of videos into streams, or of streams into videos, on Ray."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from streamcodec.errors import OutputError
from streamcodec.interrupts import Interrupts

from ..cluster import connected, default_workers, local_cpus
from ..files.layout import Places
from ..files.locations import is_below, local_path
from ..files.outputs import Listing
from ..files.sources import Sources
from ..files.storage import remove_parts
from .driver import Driver
from .manifest.driverlock import driver_lock
from .manifest.enter import Policy
from .manifest.manifest import Manifest
from .manifest.rows import Totals
from .messages import PendingFile
from .ray_workers import Actors, Fleet, WorkerSetup
from .recipe import Coding
from .report.event_log import EventLog
from .report.progress import Snapshot, snapshot_of
from .report.report import is_reported, write_report
from .report.summary import Summary, sum_up
from .report.thumbnails import picture_reader
from .schedule.options import SchedulerOptions
from .schedule.scheduler import Scheduler

__all__ = ["transcode"]

PATIENCE_SECONDS = 60.0

Say = Callable[[str], None]


def transcode(
    sources: Sources,
    out: str | os.PathLike[str],
    *,
    coding: Coding | None = None,
    name: str | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    workers: int | None = None,
    gpus_per_worker: float = 0.0,
    address: str | None = None,
    scheduling: SchedulerOptions | None = None,
    force: bool = False,
    retry_failed: bool = False,
    state: str | os.PathLike[str] | None = None,
    progress: Callable[[Snapshot], None] | None = None,
    say: Say | None = None,
) -> Summary:
    """Code all files of a dataset that are not coded yet. What a former call with the same `out`
    has done, or half done, is not done again.

    `sources`: files, folders, globs, lists and URLs (files/sources.py). `out`: a folder or URL; on
    several machines one that all of them see. `coding`: what becomes of each file
    (`Coding(options=EncodeOptions(quality=40))`). `name`: pattern of the outputs' names
    (files/outputs.py). `include`, `exclude`: globs that choose among the files of folders.
    `workers`: actors, each with `coding.threads` CPUs and `gpus_per_worker`; None = as many as
    there is room for. `address`: of a Ray cluster; None = that of this process, or one on this
    machine for as long as this takes. `scheduling`: how work is cut up and when to give up.
    `force`: code everything again. `retry_failed`: also what failed before. `state`: folder of the
    manifest, the log and the report. `progress` is called twice a second, `say` with what a person
    should know.

    On Ctrl-C or SIGTERM running tasks finish; a second one stops at once. Both can be resumed.
    Files that fail are in the report, which a call that finds nothing to do leaves as it is. Raises
    UsageError, SourceError for a source that is missing, OutputError for a state that is in use or
    cannot be written, StreamCodecError if no worker can work.
    """
    coding, scheduling = coding or Coding(), scheduling or SchedulerOptions()
    tell = say or (lambda text: None)
    scheduling = replace(scheduling, split=scheduling.split and coding.encodes)
    listing = Listing.of(sources, name, include, exclude)
    if workers is not None:
        Fleet(workers, coding.threads, gpus_per_worker)  # fails before anything is listed
    places = Places.of(out, state)
    models = coding.model_ids()
    places.make()
    with _alone(places), Manifest.open(places.manifest) as manifest:
        if manifest.repaired is not None:
            tell(f"{manifest.repaired}; what is done is known by its receipts")
        manifest.begin(coding.settings, models, listing.sources)
        places.clear()
        exists = places.existing_outputs()
        policy = Policy(force=force, retry_failed=retry_failed, output_exists=exists)
        totals = manifest.add(coding.pairs(listing, places.out), policy)
        if not totals.pending:
            tell(_nothing_to_do(totals, coding, retry_failed=retry_failed))
        run = _Run(places, manifest, coding, scheduling, totals, progress, tell)
        ending = run.on_ray(workers, gpus_per_worker, address) if totals.pending else "idle"
        manifest.finish(ending)
        places.clear()
        if ending == "idle" and is_reported(manifest, places.state):
            summary = sum_up(manifest)
            assert summary is not None  # of the run that was begun
            return summary
        pictures = picture_reader(coding.opening if coding.encodes else None)
        read_picture = None if ending == "cancelled" else pictures
        return write_report(manifest, places.state, read_picture=read_picture)


def _nothing_to_do(totals: Totals, coding: Coding, *, retry_failed: bool) -> str:
    """What to say where nothing is to be coded, and why."""
    if not totals.files:
        return f"no file matches: the sources hold none of {', '.join(coding.input_suffixes)} that --include and --exclude, if given, leave"
    parts = [f"nothing to do: {totals.kept} of {totals.files} files are done"]
    if totals.skipped:
        parts.append(f"{totals.skipped} are skipped")
    if totals.failed and not retry_failed:
        parts.append(f"{totals.failed} failed before (--retry-failed tries them again)")
    return ", ".join(parts)


@contextmanager
def _alone(places: Places) -> Iterator[None]:
    """One driver for one folder of outputs, wherever its state lies: it clears what workers left
    there. Of a store nothing is cleared."""
    work = local_path(places.work)
    with driver_lock(Path(work, "outputs"), places.out) if work is not None else nullcontext():
        yield


def _inside(jobs: Iterator[PendingFile], out: str) -> Iterator[PendingFile]:
    """The jobs; OutputError at one whose output lies elsewhere: a manifest may come from others."""
    for job in jobs:
        if not is_below(job.ref.output, out):
            raise OutputError(
                f"the manifest leads out of {out}, to {job.ref.output}; move it away, and take one that you trust"
            )
        yield job


@dataclass
class _Run:
    """A run with work to do."""

    places: Places
    manifest: Manifest
    coding: Coding
    scheduling: SchedulerOptions
    totals: Totals
    progress: Callable[[Snapshot], None] | None
    say: Say

    def on_ray(self, workers: int | None, gpus: float, address: str | None) -> str:
        """Do it; how the run ended, for the manifest."""
        with (
            connected(address, local_cpus(workers, self.coding.threads)),
            self.places.marked() as mark,
            Interrupts(self._interrupted) as interrupts,
        ):
            fleet = Fleet(
                workers or default_workers(self.coding.threads, gpus),
                self.coding.threads,
                gpus,
            )
            actors = Actors(fleet, WorkerSetup(self.coding, self.places.work, mark))
            try:
                return self._drive(actors, fleet.workers, interrupts)
            except KeyboardInterrupt:
                self.say("stopped; the same command resumes")
                return "cancelled"
            finally:
                actors.stop()

    def _drive(self, actors: Actors, workers: int, interrupts: Interrupts) -> str:
        scheduler = Scheduler(
            _inside(self.manifest.jobs(), self.places.out),
            self.scheduling,
            self.manifest,
            workers=workers,
            pending=self.totals.pending,
        )
        Driver(
            scheduler,
            actors,
            EventLog(self.places.state / "log.jsonl"),
            save=self.manifest.flush,
            joined=lambda ref: remove_parts(self.places.work, ref),
            tick=self._tick(scheduler, actors),
            interrupted=lambda: interrupts.reason,
            expected_workers=workers,
        ).run()
        if interrupts.reason is not None:
            return "cancelled"
        if scheduler.draining is not None:
            self.say(f"stopped: {scheduler.draining}")
            return "stopped"
        return "finished"

    def _tick(self, scheduler: Scheduler, actors: Actors) -> Callable[[], None]:
        started = warned = time.monotonic()

        def tick() -> None:
            nonlocal warned
            now = time.monotonic()
            if self.progress is not None:
                self.progress(snapshot_of(scheduler, self.totals, now - started))
            if actors.ready:
                warned = now
            elif now - warned > PATIENCE_SECONDS:
                warned = now
                self.say(
                    f"no worker has started yet: each needs {actors.needs}, which the cluster does not have free"
                )

        return tick

    def _interrupted(self) -> None:
        self.say("interrupted: running tasks finish first; interrupt again to stop at once")
