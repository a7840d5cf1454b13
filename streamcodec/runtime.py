"""What belongs to the whole process: threads, the allocator, and whether PyTorch is there.

Everything of streamcodec that changes the process, or asks for an optional package, is here.
"""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from runpy import run_path

from streamcodec.errors import NotInstalledError, UsageError

__all__ = [
    "check_device",
    "has_torch",
    "let_idle_threads_sleep",
    "prepare",
    "require_torch",
    "set_threads",
    "threads",
    "using_threads",
]

MALLOPT = {
    -8: 1,  # M_ARENA_MAX
    -4: 0,  # M_MMAP_MAX
    -1: 1 << 30,  # M_TRIM_THRESHOLD, bytes
    -2: 1 << 26,  # M_TOP_PAD, bytes
}
"""glibc's malloc.h: parameter -> value."""

MAX_THREADS = 256
"""That native code takes."""

DEVICES = ("cpu", "cuda", "hpu", "ipu", "mps", "mtia", "npu", "xla", "xpu")
"""Kinds that PyTorch or a plug-in of it may have."""

DRIVERS = {"linux": "libcuda.so.1", "win32": "nvcuda.dll"}
"""The library that comes with NVIDIA's driver."""

_chosen_threads: int | None = None


def has_torch() -> bool:
    """Whether PyTorch is installed; does not import it."""
    return find_spec("torch") is not None


def require_torch(what: str) -> None:
    """Import PyTorch, which `what` ("training", "model x") needs; NotInstalledError without it."""
    if sys.modules.get("torch") is not None:
        return
    try:
        import torch
    except ImportError as error:
        raise NotInstalledError(
            f"{what} needs PyTorch ({error}): pip install 'streamcodec[torch]'"
        ) from error
    if _chosen_threads is not None:
        torch.set_num_threads(_chosen_threads)


def check_device(device: str | None) -> None:
    """Refuse a device that surely cannot be used, without importing PyTorch, which takes seconds to
    say so. Raises UsageError; what passes is known once PyTorch has tried it."""
    kind = "cpu" if device is None else device.partition(":")[0]
    if kind not in DEVICES:
        missing = "there is no such kind of device"
    elif kind == "mps" and sys.platform != "darwin":
        missing = "it is of computers with macOS"
    else:
        missing = _missing_cuda() if kind == "cuda" and sys.modules.get("torch") is None else ""
    if missing:
        raise UsageError(
            f"device is {device!r}, which cannot be used here: {missing}; accepted: cpu"
        )


def _missing_cuda() -> str:
    """What "cuda" lacks; empty if nothing is known to be missing, as where there is no PyTorch."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return ""
    try:
        torch = run_path(str(Path(spec.origin).with_name("version.py")))
    except OSError:
        return ""
    if torch.get("hip"):  # AMD's, which is called cuda too
        return ""
    if "cuda" in torch and torch["cuda"] is None:
        return f"PyTorch {torch['__version__']} is a build without GPUs"
    driver = DRIVERS.get(sys.platform)
    try:
        if driver is not None:
            ctypes.CDLL(driver)
    except OSError:
        return f"there is no NVIDIA driver ({driver})"
    return ""


def threads() -> int:
    """CPU threads that one frame is coded with: PyTorch's number where it is loaded, else as set."""
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(
        torch, "get_num_threads"
    ):  # and is not just being imported elsewhere
        return min(int(torch.get_num_threads()), MAX_THREADS)
    return min(_chosen_threads or _cpus(), MAX_THREADS)


def set_threads(count: int) -> None:
    """Set how many CPU threads this process codes with, PyTorch's too."""
    global _chosen_threads  # noqa: PLW0603 (it is the process that has threads)
    _chosen_threads = count
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "set_num_threads"):
        torch.set_num_threads(count)


@contextmanager
def using_threads(count: int) -> Iterator[None]:
    """This many for the block. Threads begun in it take the number over."""
    before = threads()
    set_threads(count)
    try:
        yield
    finally:
        set_threads(before)


def let_idle_threads_sleep() -> None:
    """Have PyTorch's idle threads sleep, unless the environment says otherwise or it is loaded already.

    OpenMP would have them spin for the next layer, which on a machine with other work holds up the
    one that has something to do: coding took 3 to 10 times as long. OpenMP reads this when PyTorch is
    loaded, so importing streamcodec before PyTorch is enough.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def prepare(count: int | None) -> None:
    """Set this process up for coding: the allocator, and the number of threads (None: the default)."""
    let_idle_threads_sleep()
    keep_memory()
    if count is not None:
        set_threads(count)


def keep_memory() -> None:
    """Have glibc keep what it was given, in one arena, instead of mapping pages for every frame.

    A frame's arrays then lie where the last frame's lay: fewer page faults, and a peak that does not
    depend on the length of the video or on which thread allocated what. Does nothing with another C
    library.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, value in MALLOPT.items():
            mallopt(parameter, value)


def _cpus() -> int:
    """That this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
