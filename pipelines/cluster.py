"""The Ray cluster: connecting to one or starting one, and what its workers are given.

Every module that uses Ray imports this one first: it says what to install where Ray is missing.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from streamcodec.errors import UsageError

try:
    import ray
    from ray.job_config import JobConfig
except ImportError as error:
    raise UsageError(
        f"this needs Ray, which is not installed ({error}); pip install 'streamcodec[ray]'"
    ) from error

__all__ = [
    "InstalledOnly",
    "connected",
    "default_workers",
    "local_cpus",
    "patiently",
    "worker_environment",
]

STORE_BYTES = 100 << 20
"""Of Ray's object store, where it is started here: next to nothing goes through it."""

STARTS = 3
HANDED_ON = ("STREAMCODEC_WEIGHTS",)
"""Environment variables that workers on other machines need too."""

T = TypeVar("T")


class InstalledOnly(JobConfig):
    """A job whose workers import what is installed, not what lies in the driver's folder.

    Ray puts the folder where the driver was started in front of its workers' paths, unless the job
    brings a folder of its own; in a clone of the repository it holds sources that are not built.
    """

    def _runtime_env_has_working_dir(self) -> bool:
        return True


@contextmanager
def connected(address: str | None, cpus: int | None = None) -> Iterator[None]:
    """Connect to the cluster at `address` ("auto": the one that runs on this machine).

    None starts one on this machine with `cpus` CPUs (None: all), which ends with the block. Where
    this process has Ray running already, that is used. Raises UsageError if Ray cannot be used.
    """
    if ray.is_initialized():
        yield
        return
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    if address is not None:
        _start(address, address=address, **quiet)
    else:
        _start(
            "this machine",
            address="local",
            include_dashboard=False,
            num_cpus=cpus,
            object_store_memory=STORE_BYTES,
            **quiet,
        )
    try:
        yield
    finally:
        ray.shutdown()


def _start(where: str, **arguments: Any) -> None:
    try:
        patiently(lambda: ray.init(job_config=InstalledOnly(), **arguments))
    except Exception as error:  # Ray raises all kinds, plain ones too
        raise UsageError(f"Ray at {where} cannot be used: {error}") from error


def patiently(start: Callable[[], T]) -> T:
    """Start a node of Ray, several times if need be: Ray gives up after 30 seconds, which a busy
    machine may exceed."""
    for _ in range(STARTS - 1):
        try:
            return start()
        except Exception as error:
            if "timed out during startup" not in str(error):
                raise
            ray.shutdown()
    return start()


def default_workers(threads: int, gpus: float = 0.0) -> int:
    """As many workers of `threads` CPUs and `gpus` GPUs as the cluster has room for, at least 1."""
    have = ray.cluster_resources()  # type: ignore[no-untyped-call]
    by_cpu = int(have.get("CPU", 1) // threads)
    return max(min(by_cpu, int(have.get("GPU", 0) / gpus)) if gpus else by_cpu, 1)


def local_cpus(workers: int | None, threads: int) -> int | None:
    """CPUs for `connected` to start with: room for the workers; None = all that there are."""
    return None if workers is None else max(workers * threads, os.cpu_count() or 1)


def worker_environment() -> dict[str, str]:
    """Variables of this process that are set in every worker, on whichever machine."""
    return {name: os.environ[name] for name in HANDED_ON if name in os.environ}
