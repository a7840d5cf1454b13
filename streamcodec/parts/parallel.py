"""A video encoded by several processes of this machine: plan, a part for each that is free, join."""

import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, Unpack

from streamcodec.checks import check_count
from streamcodec.codec import Codec
from streamcodec.errors import StreamCodecError
from streamcodec.files import check_stream_output, is_named, writing
from streamcodec.interrupts import without_interrupts
from streamcodec.parts.encode import encode_part
from streamcodec.parts.join import join_parts
from streamcodec.parts.plan import VideoPlan, plan_video
from streamcodec.runtime import prepare, threads
from streamcodec.stream.encode import EncodeReport
from streamcodec.stream.encoder import chosen_codec
from streamcodec.stream.options import EncodeOptions, EncodeSettings
from streamcodec.stream.stages import Progress
from streamcodec.types import OnError

__all__ = ["encode_in_jobs"]

PARTS_PER_JOB = 4
"""So that nobody waits long for the last one."""

POLL_SECONDS = 0.2


def encode_in_jobs(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str] | BinaryIO,
    *,
    jobs: int,
    threads_per_job: int | None = None,
    options: EncodeOptions | None = None,
    start_seconds: float = 0.0,
    duration_seconds: float | None = None,
    max_frames: int | None = None,
    on_error: OnError = "raise",
    overwrite: bool = False,
    psnr: bool = False,
    progress: Progress | None = None,
    plan_progress: Progress | None = None,
    search_progress: Progress | None = None,
    **settings: Unpack[EncodeSettings],
) -> EncodeReport:
    """Encode a video into the stream that `encode` writes, in `jobs` processes at a time.

    `source`: the path of an ordinary file, which is read once to plan and once to encode. The bytes are those of `encode` in a process
    with `threads_per_job` threads (None: this process's, divided among the jobs); with the default models they do not depend on it.
    `plan_progress` is called for every frame that was planned. The other arguments: as for `encode`. Parts lie in a hidden folder beside
    `out` until they are joined.

    The processes are started anew, not forked: a script that calls this needs `if __name__ == "__main__":`.
    In the report `seconds` is wall time, and the search for a target is left out. Raises as `encode` does, and StreamCodecError if a
    process dies.
    """
    check_count("number of jobs", jobs, "jobs")
    check_stream_output(out, overwrite=overwrite)
    started = time.monotonic()
    plan = plan_video(
        source,
        options=options,
        start_seconds=start_seconds,
        duration_seconds=duration_seconds,
        max_frames=max_frames,
        on_error=on_error,
        threads=threads_per_job or max(threads() // jobs, 1),
        progress=plan_progress,
        search_progress=search_progress,
        **settings,
    )
    with _folder_for(out) as folder:
        shares = plan.split(PARTS_PER_JOB * jobs)
        paths = [folder / f"{number}.ssf" for number in range(len(shares))]
        with _Workers(min(jobs, len(shares)), os.fspath(source), plan, psnr=psnr) as workers:
            workers.encode(shares, paths, progress)
        report = join_parts(plan, paths, out, overwrite=overwrite)
    return replace(report, seconds=time.monotonic() - started)


@contextmanager
def _folder_for(out: str | os.PathLike[str] | BinaryIO) -> Iterator[Path]:
    """A folder of its own beside the output, or where temporary files lie."""
    beside = Path(out).resolve().parent if is_named(out) else None
    with writing(out):
        folder = Path(tempfile.mkdtemp(prefix=".streamcodec-", suffix=".parts", dir=beside))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Workers:
    """Processes that encode parts of one plan. At an error, or when the block ends early, they are ended."""

    def __init__(self, count: int, source: str, plan: VideoPlan, *, psnr: bool) -> None:
        context = multiprocessing.get_context("spawn")
        self._done = context.Value("q", 0)
        self._expected = plan.frames
        self._pool = ProcessPoolExecutor(
            count,
            mp_context=context,
            initializer=_begin,
            initargs=(source, plan, psnr, self._done),
        )

    def __enter__(self) -> "_Workers":
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is not None:
            for process in list((self._pool._processes or {}).values()):
                process.terminate()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def encode(
        self, shares: Sequence[range], paths: Sequence[Path], progress: Progress | None
    ) -> None:
        """Encode each share of the GOPs into its file."""
        try:
            with without_interrupts():
                left: set[Future[None]] = {
                    self._pool.submit(_encode, gops, os.fspath(path))
                    for gops, path in zip(shares, paths, strict=True)
                }
            while left:
                done, left = wait(left, POLL_SECONDS, FIRST_EXCEPTION)
                for future in done:
                    future.result()
                if progress is not None and self._done.value:
                    progress(self._done.value, self._expected)
        except BrokenProcessPool as error:
            raise StreamCodecError(
                "a process that encoded a part has died; where memory is short, take fewer --jobs (jobs=)"
            ) from error


_job: tuple[str, VideoPlan, bool, Any] | None = None


def _begin(source: str, plan: VideoPlan, psnr: bool, done: Any) -> None:
    """In a new process: what it works on. Ctrl-C, which all processes of a terminal get, is for the one that started it (on
    Windows only from here on)."""
    global _job  # noqa: PLW0603 (a process has one plan)
    _job = (source, plan, psnr, done)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    prepare(plan.threads)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)


def _encode(gops: range, path: str) -> None:
    assert _job is not None
    source, plan, psnr, done = _job
    before = 0

    def count(frames: int, _: int | None) -> None:
        nonlocal before
        with done.get_lock():
            done.value += frames - before
        before = frames

    encode_part(source, plan, gops, path, codec=_codec(plan.options), psnr=psnr, progress=count)


@lru_cache(maxsize=1)
def _codec(options: EncodeOptions) -> Codec:
    return chosen_codec(None, options)
