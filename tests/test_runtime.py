import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from streamcodec import runtime
from streamcodec.errors import UsageError

BLOCKED = "import sys; sys.modules['torch'] = None; from streamcodec import runtime\n"


def printed(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_threads_are_pytorchs_where_it_is_loaded() -> None:
    before = torch.get_num_threads()
    with runtime.using_threads(before + 1):
        assert runtime.threads() == torch.get_num_threads() == before + 1
    assert runtime.threads() == torch.get_num_threads() == before


def test_threads_are_set_without_pytorch() -> None:
    code = BLOCKED + "a = runtime.threads(); runtime.set_threads(5)\nprint(a, runtime.threads())"
    first, second = printed(code).split()
    assert 1 <= int(first) <= 256
    assert second == "5"


@pytest.mark.slow
def test_pytorch_takes_over_what_was_set_before_it_was_loaded() -> None:
    code = (
        "from streamcodec import runtime\nruntime.set_threads(3)\nruntime.require_torch('this')\n"
    )
    assert (
        printed(code + "import torch\nprint(torch.get_num_threads(), runtime.threads())") == "3 3"
    )


@pytest.mark.parametrize("count", [1, 1000])
def test_no_more_threads_than_native_code_takes(count: int) -> None:
    code = BLOCKED + f"runtime.set_threads({count})\nprint(runtime.threads())"
    assert printed(code) == str(min(count, 256))


def test_pytorch_is_asked_for_by_name() -> None:
    code = BLOCKED + "print(runtime.has_torch())\ntry: runtime.require_torch('flying')\n"
    said = printed(code + "except ImportError as error: print(type(error).__name__, error)")
    assert said.startswith("False\nNotInstalledError flying needs PyTorch")
    assert said.endswith("pip install 'streamcodec[torch]'")


@pytest.mark.parametrize(("given", "then"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_idle_threads_sleep_from_the_import_on(given: str | None, then: str) -> None:
    """OpenMP reads it when PyTorch is loaded."""
    environment = {name: text for name, text in os.environ.items() if name != "OMP_WAIT_POLICY"}
    if given is not None:
        environment["OMP_WAIT_POLICY"] = given
    code = (
        "import streamcodec, os, sys; print(os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == [then, "False"]


def refused(device: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """What is wrong with a device, as long as PyTorch is not loaded."""
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    with pytest.raises(UsageError) as caught:
        runtime.check_device(device)
    assert "torch" not in sys.modules
    return str(caught.value)


@pytest.fixture
def build_of_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """version.py of a PyTorch that is installed."""
    spec = SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(runtime, "find_spec", lambda name: spec)
    return tmp_path / "version.py"


def test_devices_are_refused_before_pytorch_is_loaded(
    build_of_torch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_of_torch.write_text("__version__ = '2.9+cpu'\ncuda = None\nhip = None\n")
    start = "device is 'cuda:1', which cannot be used here: "
    said = refused("cuda:1", monkeypatch)
    assert said == f"{start}PyTorch 2.9+cpu is a build without GPUs; accepted: cpu"
    build_of_torch.write_text("__version__ = '2.9'\ncuda = '12.8'\nhip = None\n")
    monkeypatch.setattr(runtime, "DRIVERS", {sys.platform: "libnowhere.so.1"})
    said = refused("cuda:1", monkeypatch)
    assert said == f"{start}there is no NVIDIA driver (libnowhere.so.1); accepted: cpu"
    assert "there is no such kind of device" in refused("gpu", monkeypatch)
    monkeypatch.setattr(sys, "platform", "linux")
    said = refused("mps", monkeypatch)
    assert said == f"{start.replace('cuda:1', 'mps')}it is of computers with macOS; accepted: cpu"


@pytest.mark.parametrize(
    ("version", "drivers"),
    [
        ("cuda = None\nhip = '6.3'\n", {}),
        ("cuda = '12.8'\n", {}),
        ("", {}),
        (None, {}),
    ],
)
def test_devices_that_may_be_there_pass(
    build_of_torch: Path,
    monkeypatch: pytest.MonkeyPatch,
    version: str | None,
    drivers: dict[str, str],
) -> None:
    if version is not None:
        build_of_torch.write_text(version)
    monkeypatch.setattr(runtime, "DRIVERS", drivers)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    for device in ("cuda", "cuda:3", "cpu", None):
        runtime.check_device(device)
    monkeypatch.setattr(sys, "platform", "darwin")
    runtime.check_device("mps")


def test_a_device_without_pytorch_is_for_require_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "find_spec", lambda name: None)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    runtime.check_device("cuda")
