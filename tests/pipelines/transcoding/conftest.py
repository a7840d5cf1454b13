"""A manifest, and what is listed in it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from streamcodec.pipelines.files.locations import FileRef
from streamcodec.pipelines.files.sources import Item
from streamcodec.pipelines.transcoding.manifest.enter import Policy
from streamcodec.pipelines.transcoding.manifest.manifest import Manifest
from streamcodec.pipelines.transcoding.manifest.rows import Totals
from streamcodec.pipelines.transcoding.messages import FileDone, GopLengths

PLAN = GopLengths(64, 48, (32, 32, 8), '{"x": "ü"}')
ITEMS = [Item(f"/in/{number}.mp4", f"{number}.mp4", 100 + number, "v1") for number in range(5)]


def with_outputs(items: Sequence[Item]) -> list[tuple[Item, str]]:
    return [
        (item, item.location.replace("/in/", "/out/").replace(".mp4", ".ssf")) for item in items
    ]


def listed(
    manifest: Manifest,
    items: Sequence[Item] = ITEMS,
    policy: Policy | None = None,
    quality: int = 32,
) -> Totals:
    manifest.begin({"quality": quality}, ["model"], ["transcode"])
    return manifest.add(with_outputs(items), policy)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "manifest.sqlite"


@pytest.fixture
def manifest(path: Path) -> Iterator[Manifest]:
    with Manifest.open(path, clock=iter(range(1000)).__next__) as opened:
        yield opened


def done(ref: FileRef) -> FileDone:
    return FileDone(ref.file, 50, 72, 3, 64, 48, 1.5, 40.25)


def end_all(manifest: Manifest) -> None:
    for job in manifest.jobs():
        manifest.started(job.ref.file, "w")
        manifest.written(done(job.ref), "w", final=True)
