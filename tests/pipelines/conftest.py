"""Ray for the tests of transcoding: one instance a module, datasets of tiny videos, and what a run's log says."""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from streamcodec import EncodeOptions, encode
from streamcodec.pipelines.transcoding.recipe import Coding
from streamcodec.pipelines.transcoding.schedule.options import SchedulerOptions

SIZE = (48, 32)
PICTURES = 400
"""Different ones in a video; longer ones show them again."""


class Dataset:
    """Videos below `folder`, and what a single process makes of them."""

    def __init__(self, folder: Path, synthetic: ModuleType, models: dict[str, str]) -> None:
        self.folder = folder
        self.coding = Coding(options=EncodeOptions(gop=8, scenecut=0, device="cpu", **models))
        self._synthetic = synthetic
        folder.mkdir()

    def add(self, name: str, frames: int) -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        seed = sum(name.encode())
        pictures = self._synthetic.moving_frames(min(frames, PICTURES), *SIZE, seed=seed)
        pictures = list(islice(cycle(pictures), frames))
        made: Path = self._synthetic.write_clip(path, pictures, options={"bf": "0", "g": "8"})
        return made

    def encoded(self, name: str) -> bytes:
        """The stream that `encode` writes with one thread."""
        out = self.folder.parent / "single.ssf"
        encode(self.folder / name, out, options=self.coding.options, overwrite=True)
        return out.read_bytes()


class Log:
    """The events of all runs into `out` so far."""

    def __init__(self, out: Path) -> None:
        self._path = out / ".streamcodec" / "log.jsonl"

    def events(self, *names: str) -> list[dict[str, Any]]:
        """Those with these names, or all; a line that is being written is left out."""
        lines = self._path.read_text().split("\n")[:-1] if self._path.exists() else []
        return [event for event in map(json.loads, lines) if not names or event["event"] in names]

    def work_done(self) -> list[tuple[str, int, int | None]]:
        """(kind, file, first GOP of a part) of everything that was done."""
        return [
            (each["kind"], each["file"], each["gops"][0] if "gops" in each else None)
            for each in self.events("done")
        ]

    def pid(self, worker: str) -> int:
        """The process of a worker, the latest of that name."""
        return int(
            next(
                event["pid"]
                for event in reversed(self.events("ready"))
                if event["worker"] == worker
            )
        )


@pytest.fixture
def log_of() -> type[Log]:
    return Log


@pytest.fixture(scope="session")
def tiny_kind() -> str:
    return "native"


@pytest.fixture
def dataset(tmp_path: Path, synthetic: ModuleType, tiny_models: dict[str, str]) -> Dataset:
    return Dataset(tmp_path / "videos", synthetic, tiny_models)


@pytest.fixture
def cut_up() -> SchedulerOptions:
    """Videos of more than about 40 frames are cut up, into parts of a GOP or two."""
    return SchedulerOptions(
        target_seconds=1.0,
        max_batch=2,
        bytes_per_second=1.5e3,
        pixels_per_second=16 * SIZE[0] * SIZE[1],
    )


@pytest.fixture(scope="module")
def ray_here() -> Iterator[None]:
    """Ray in this process, for three workers."""
    pytest.importorskip("ray", reason="Ray is not installed")
    from streamcodec.pipelines.cluster import connected

    with connected(None, 3):
        yield


@pytest.fixture
def verified(cut_up: SchedulerOptions) -> SchedulerOptions:
    return replace(cut_up, verify=True)
