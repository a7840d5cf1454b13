"""Runs a worker until a deadline, and another in a simpler mode if it fails or hangs: a compiler that gives up must not cost the lease."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from streamcodec.training.resident_trainer import Mode

__all__ = ["READY", "supervise"]

READY = "ready"
"""File in the work folder that a worker writes when its step is prepared."""
SPARE_SECONDS = 25.0
"""From a worker's deadline, at which it saves and leaves, to ours. At most a fifth of the time."""
PREPARE_SECONDS: dict[Mode, float] = {"compiled": 210.0, "graph": 100.0, "eager": float("inf")}
POLL_SECONDS = 0.2


def supervise(modes: Sequence[Mode], arguments: Sequence[str], seconds: float, work: Path) -> int:
    """Start workers with `arguments`, in the first of `modes` that works, for `seconds` in all. Returns the last one's exit status."""
    end = time.time() + seconds
    spare = min(SPARE_SECONDS, seconds / 5)
    status = 1
    for mode in modes:
        (work / READY).unlink(missing_ok=True)
        deadline = end - spare
        if deadline - time.time() < spare / 2:
            break
        command = [sys.executable, "-m", "streamcodec.training.lease", "worker", *arguments, f"--mode={mode}", f"--deadline={deadline}"]
        print(f"mode {mode}: {deadline - time.time():.0f} s", flush=True)
        environment = {**os.environ, "TORCHINDUCTOR_CACHE_DIR": str(work / "compiled"), "PYTHONUNBUFFERED": "1"}
        with subprocess.Popen(command, env=environment) as worker:
            status = _watch(worker, work / READY, min(time.time() + PREPARE_SECONDS[mode], end - spare / 5), end - spare / 5)
        if status in (0, 2):
            break
        print(f"mode {mode} failed with status {status}", flush=True)
    return status


def _watch(worker: "subprocess.Popen[bytes]", ready: Path, prepared_by: float, end: float) -> int:
    """Wait for the worker; kill it if it is not ready in time, or not done at the end."""
    while worker.poll() is None:
        now = time.time()
        if now > end or (now > prepared_by and not ready.exists()):
            print("the worker is too slow and is stopped", flush=True)
            worker.kill()
            worker.wait()
            return 124
        time.sleep(POLL_SECONDS)
    return worker.returncode
