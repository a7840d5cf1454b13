"""Training by several processes or machines with Ray Train: each takes steps on crops that it
draws, with the mean of all gradients.

The folders of the run and of the data must be the same for all of them: one machine, or a shared
file system. When a process dies, all of them start again from the last state.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streamcodec.errors import StreamCodecError, UsageError
from streamcodec.training import TrainConfig, train
from streamcodec.training.batches import open_data
from streamcodec.training.log import LOG, in_words, read_rows
from streamcodec.training.replicas import Replicas

from .cluster import connected

# isort: split
try:
    import ray
    from ray.train import FailureConfig, RunConfig, ScalingConfig, TrainingFailedError, get_context
    from ray.train.torch import TorchConfig, TorchTrainer, get_device
except ImportError as error:
    raise UsageError(
        f"more than one worker needs Ray Train (pip install 'streamcodec[ray]'): {error}"
    ) from error

__all__ = ["RunSpec", "train_on_workers"]

RESTARTS = 3
POLL_SECONDS = 2.0


@dataclass(frozen=True)
class RunSpec:
    """What every worker is told: the arguments of `streamcodec.training.train`, and threads of
    the CPU (None: PyTorch's default)."""

    config: TrainConfig
    data: tuple[Path, ...]
    folder: Path
    start: Path | None
    cuda: bool
    threads: int | None
    seconds: float | None
    tensorboard: bool


def train_on_workers(
    config: TrainConfig,
    data: Sequence[Path],
    folder: Path,
    start: Path | None = None,
    *,
    workers: int,
    device: str = "cpu",
    threads: int | None = None,
    seconds: float | None = None,
    tensorboard: bool = False,
    report: Callable[[str], None] = print,
) -> None:
    """Run `config` on `workers` processes; `device`: cpu or cuda. On the Ray cluster that
    RAY_ADDRESS names ("auto": the one that runs on this machine), or on one started here.

    Batches are those of the config in each process. Rank 0 writes what `streamcodec.training.train`
    writes; a state goes on with as many workers. Raises UsageError for a device or a number of
    workers that the cluster does not have, and StreamCodecError if training failed more than
    RESTARTS times.
    """
    if device not in ("cpu", "cuda"):
        raise UsageError(
            f"device is {device!r}; accepted with several workers: cpu, cuda "
            "(Ray hands out the GPUs)"
        )
    open_data(
        data, config.kind, config.crop, config.held
    )  # what is wrong with it is better said before workers start
    folder = folder.resolve()
    paths = tuple(path.resolve() for path in data)
    job = RunSpec(
        config,
        paths,
        folder,
        start and start.resolve(),
        device == "cuda",
        threads,
        seconds,
        tensorboard,
    )
    with connected(os.environ.get("RAY_ADDRESS")), _followed(folder / LOG, config.steps, report):
        _check_resources("GPU" if job.cuda else "CPU", workers)
        report(f"{workers} processes train together; the log is {folder / LOG}")
        _fit(job, workers)
    report(f"the run has ended; {folder} has the state, from which the same command goes on")


def _fit(job: RunSpec, workers: int) -> None:
    trainer = TorchTrainer(
        _work,
        train_loop_config={"job": job},
        torch_config=TorchConfig(backend="nccl" if job.cuda else "gloo"),
        scaling_config=ScalingConfig(num_workers=workers, use_gpu=job.cuda),
        run_config=RunConfig(
            name="ray",
            storage_path=str(job.folder),
            failure_config=FailureConfig(max_failures=RESTARTS),
        ),
    )
    try:
        trainer.fit()
    except TrainingFailedError as error:
        failures: dict[int, Any] = getattr(error, "worker_failures", {})
        reasons = {str(failure).strip().splitlines()[-1] for failure in failures.values()}
        raise StreamCodecError(
            f"training failed in the workers: {'; '.join(sorted(reasons)) or error}"
        ) from error


def _work(settings: dict[str, RunSpec]) -> None:
    """One worker."""
    import torch

    job = settings["job"]
    if job.threads:
        torch.set_num_threads(job.threads)
    context = get_context()
    replicas = Replicas(context.get_world_rank(), context.get_world_size())
    device = str(get_device()) if job.cuda else "cpu"
    if job.cuda:
        torch.cuda.set_device(device)
    train(
        job.config,
        job.data,
        job.folder,
        job.start,
        device=device,
        seconds=job.seconds,
        tensorboard=job.tensorboard,
        replicas=replicas,
    )


@contextmanager
def _followed(log: Path, steps: int, report: Callable[[str], None]) -> Iterator[None]:
    """Report the rows that rank 0 adds to the log."""
    ended = threading.Event()
    last = max((row["step"] for row in read_rows(log)), default=0)

    def follow() -> None:
        nonlocal last
        over = False
        while not over:
            over = ended.wait(POLL_SECONDS)
            for row in read_rows(log):
                if row["step"] > last:
                    last = row["step"]
                    report(in_words(row, steps))

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _check_resources(kind: str, workers: int) -> None:
    have = int(ray.cluster_resources().get(kind, 0))  # type: ignore[no-untyped-call]
    if have < workers:
        raise UsageError(f"{workers} workers need as many {kind}s; the Ray cluster has {have}")
