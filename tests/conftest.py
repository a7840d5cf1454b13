"""What tests of several parts share.

With pytest -n the process that hands out the tests reads this too: PyTorch is imported where it is used.
"""

import os
import re
import signal
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from streamcodec.codec import Codec

KNOWN_SKIPS = (
    "no Chromium here",
    "no GPU here",
    "no /dev/full here",
    "no /proc here",
    "this PyAV writes no display matrix",
)
"""Why a test may be skipped when all extras are installed."""

WITH_RAY = (
    "tests/docs/test_ray_blocks.py",
    "tests/pipelines/evaluation/test_run.py",
    "tests/pipelines/reading/test_dataset.py",
    "tests/pipelines/test_train.py",
    "tests/pipelines/transcoding/test_faults.py",
    "tests/pipelines/transcoding/test_run.py",
)
"""Files with tests that start Ray: one instance of it runs at a time."""

BY_PAGE = re.compile(r"tests/docs/test_blocks\.py::\w+\[([\w/.-]+)")

RAY_FIXTURES = {"cluster", "ray_data", "ray_here"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--known-skips",
        action="store_true",
        help="fail if a test is skipped for a reason that is not in KNOWN_SKIPS (tests/conftest.py)",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what Ray is started for. UsageError if that is in a file that WITH_RAY lacks."""
    for item in items:
        if RAY_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.ray)
        if item.get_closest_marker("ray") and not item.nodeid.startswith(WITH_RAY):
            raise pytest.UsageError(f"{item.nodeid} starts Ray; add its file to WITH_RAY")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Of several processes (pytest -n) one runs all tests of a file, which share fixtures, and one all of Ray.

    The blocks of the documentation are divided by page.
    """
    from xdist.scheduler import LoadFileScheduling

    starts_ray = "not ray" not in config.option.markexpr

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            if starts_ray and nodeid.startswith(WITH_RAY):
                return "ray"
            block = BY_PAGE.match(nodeid)
            return block[1] if block else super()._split_scope(nodeid)

    return ByFile(config, log)


def unknown_skips(config: pytest.Config) -> list[str]:
    """Place and reason of the skipped tests that are not excused."""
    terminal = config.pluginmanager.getplugin("terminalreporter")
    if terminal is None:  # a process of pytest -n: the reports go to the first one
        return []
    reports = terminal.stats.get("skipped", [])
    found = (report.longrepr for report in reports if isinstance(report.longrepr, tuple))
    excused = tuple(f"Skipped: {reason}" for reason in KNOWN_SKIPS)
    return [f"{path}:{line}: {text}" for path, line, text in found if text not in excused]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.getoption("--known-skips") and unknown_skips(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    unknown = unknown_skips(config) if config.getoption("--known-skips") else []
    if unknown:
        terminalreporter.section("skips that are not on the list (KNOWN_SKIPS)")
        terminalreporter.write_line("\n".join(unknown))


@pytest.fixture(autouse=True, scope="session")
def _interruptible() -> None:
    """A shell that starts the tests in the background has them ignore SIGINT, and their processes too."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def _buffered() -> None:
    """Standard output of processes that tests start is buffered, as a user's is."""
    os.environ.pop("PYTHONUNBUFFERED", None)


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """For PyTorch, here and in the processes that tests start."""
    import torch

    torch.set_num_threads(1)
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture
def symbols_of(monkeypatch: pytest.MonkeyPatch) -> object:
    """Records symbols: `with symbols_of.recording("encode") as symbols` (support/recording.py)."""
    from support.recording import SymbolsOf

    return SymbolsOf(monkeypatch)


@pytest.fixture(scope="session")
def synthetic() -> ModuleType:
    """The module support/synthetic.py: makers of small videos."""
    from support import synthetic

    return synthetic


@pytest.fixture(scope="session")
def clip(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MP4 of 24 frames, 96x64, H.264 with B-frames, 30 frames per second."""
    path: Path = synthetic.write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", 24)
    return path


@pytest.fixture(scope="session")
def long_clip(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """So long that an encode is interrupted before its end, however late the signal comes."""
    path: Path = synthetic.write_long_clip(tmp_path_factory.mktemp("long") / "clip.mkv")
    return path


@pytest.fixture(scope="session")
def wide_clip(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """5 frames of 176x164, which MS-SSIM can compare."""
    path: Path = synthetic.write_clip(
        tmp_path_factory.mktemp("wide") / "wide.mp4", 5, size=(176, 164), options={"qp": "0"}
    )
    return path


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with small models: tiny-intra and tiny-inter of the default kind, tiny-image and tiny-flow of the published ones."""
    from streamcodec.codec.dct_random import random_weights
    from streamcodec.codec.dct_weights import save_dct_weights
    from support.tiny import save_tiny_models

    folder = tmp_path_factory.mktemp("weights")
    save_tiny_models(folder, "tiny", seed=7)
    for kind in ("intra", "inter"):
        save_dct_weights(folder / f"tiny-{kind}.safetensors", random_weights(kind))
    return folder


@pytest.fixture(scope="session")
def native_codec(tiny_weights: Path) -> "Codec":
    """Small models of the default kind."""
    from streamcodec.weights import load_codec

    return load_codec(
        *(str(tiny_weights / f"tiny-{part}.safetensors") for part in ("intra", "inter"))
    )


@pytest.fixture(scope="session")
def zoo_codec(tiny_weights: Path) -> "Codec":
    """Small published models, on the CPU in fp32."""
    from streamcodec.weights import load_codec

    return load_codec(
        *(str(tiny_weights / f"tiny-{part}.safetensors") for part in ("image", "flow")),
        device="cpu",
    )


@pytest.fixture(scope="session")
def tiny_codec(native_codec: "Codec") -> "Codec":
    """What most tests code with; tests/codec has both kinds in its place."""
    return native_codec


@pytest.fixture
def tiny_models(tiny_weights: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Installs the small models; the settings that name those of the default kind, for `encode`."""
    monkeypatch.setenv("STREAMCODEC_WEIGHTS", str(tiny_weights))
    return {"intra": "tiny-intra", "inter": "tiny-inter"}
