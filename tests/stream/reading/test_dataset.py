import copy
import io
import pickle
from itertools import chain
from operator import attrgetter
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader

from streamcodec import VideoDataset
from streamcodec.errors import UsageError

pytestmark = pytest.mark.usefixtures("tiny_models")


def test_frames_come_in_order(coded) -> None:
    assert torch.equal(torch.stack(list(VideoDataset(coded.data))), coded.frames)


@pytest.mark.slow
@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_workers_share_the_gops(coded, start: str) -> None:
    dataset = VideoDataset([coded.data, coded.data], transform=None)
    loader = DataLoader(dataset, batch_size=None, num_workers=2, multiprocessing_context=start)
    frames = list(loader)
    assert len(frames) == 20
    for expected in coded.frames:
        assert sum(torch.equal(frame, expected) for frame in frames) == 2


def test_ranks_share_the_gops(coded) -> None:
    shards = [
        list(VideoDataset(coded.data, rank=rank, world_size=2, transform=lambda frame: frame.index))
        for rank in range(2)
    ]
    assert shards == [[0, 1, 2, 3, 8, 9], [4, 5, 6, 7]]


def test_shuffling_mixes_gops_by_epoch(coded) -> None:
    dataset = VideoDataset([coded.data] * 4, shuffle=True, transform=lambda frame: frame.index)
    first = list(dataset)
    assert first == list(dataset)
    dataset.set_epoch(1)
    second = list(dataset)
    assert first != second
    assert sorted(first) == sorted(second) == sorted([*range(10)] * 4)


INDEX = attrgetter("index")
"""Not a function of this file: processes that do not fork could not import it."""


def epochs_of(dataset: VideoDataset, loader: DataLoader, count: int = 3) -> list[list[int]]:
    orders = []
    for epoch in range(count):
        dataset.set_epoch(epoch)
        orders.append(list(loader))
    return orders


@pytest.mark.slow
@pytest.mark.parametrize("start", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("persistent", [True, False])
def test_epochs_reach_workers(coded, start: str, persistent: bool) -> None:
    """Every epoch has the order that a loader with new workers gives it, and each frame once."""
    dataset = VideoDataset([coded.data] * 4, shuffle=True, transform=INDEX)
    loader = DataLoader(
        dataset,
        batch_size=None,
        num_workers=1,
        multiprocessing_context=start,
        persistent_workers=persistent,
    )
    orders = epochs_of(dataset, loader)
    assert orders == epochs_of(dataset, DataLoader(dataset, batch_size=None))
    assert len({tuple(order) for order in orders}) == 3


def test_ranks_and_persistent_workers_share_every_epoch(coded) -> None:
    kinds = {"shuffle": True, "transform": INDEX, "world_size": 2}
    datasets = [VideoDataset([coded.data] * 3, rank=rank, **kinds) for rank in range(2)]
    loaders = [
        DataLoader(dataset, batch_size=None, num_workers=2, persistent_workers=True)
        for dataset in datasets
    ]
    orders = [epochs_of(dataset, loader) for dataset, loader in zip(datasets, loaders, strict=True)]
    for epoch in zip(*orders, strict=True):
        assert sorted(chain(*epoch)) == sorted([*range(10)] * 3)
    assert orders[0][0] != orders[0][1] or orders[1][0] != orders[1][1]


def test_epoch_that_is_set_in_an_iteration_is_for_the_next_iteration(coded) -> None:
    dataset = VideoDataset([coded.data] * 4, shuffle=True, transform=INDEX)
    expected = epochs_of(dataset, DataLoader(dataset, batch_size=None), 2)
    loader = DataLoader(dataset, batch_size=None, num_workers=1, persistent_workers=True)
    dataset.set_epoch(0)
    for epoch in range(2):
        frames = iter(loader)
        first = next(frames)  # the only worker has begun
        dataset.set_epoch(epoch + 1)
        assert [first, *frames] == expected[epoch]


def test_epoch_of_a_copy_is_its_own(coded) -> None:
    dataset = VideoDataset([coded.data] * 4, shuffle=True, transform=INDEX)
    dataset.set_epoch(1)
    other = copy.deepcopy(dataset)
    order = list(dataset)
    assert list(other) == order
    other.set_epoch(2)
    assert list(other) != order
    assert list(dataset) == order


@pytest.mark.parametrize("epoch", [-1, 1.5, "2", True])
def test_epoch_that_is_no_count_fails(coded, epoch: object) -> None:
    with pytest.raises(UsageError, match="epoch is"):
        VideoDataset(coded.data).set_epoch(epoch)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "kind", [io.BytesIO, bytearray, memoryview, lambda data: [io.BytesIO(data)]]
)
def test_every_kind_of_source_can_be_sent_to_workers(coded, kind) -> None:
    dataset = pickle.loads(pickle.dumps(VideoDataset(kind(coded.data), transform=INDEX)))
    assert list(dataset) == list(dataset) == [*range(10)]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="no /proc here")
def test_no_more_than_one_file_is_open(coded, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.ssf" for number in range(4)]
    for path in paths:
        path.write_bytes(coded.data)
    most = 0
    for _ in VideoDataset(paths, shuffle=True):
        most = max(
            most, sum(link.resolve().parent == tmp_path for link in Path("/proc/self/fd").iterdir())
        )
    assert most == 1


def test_rank_outside_of_the_world_fails(coded) -> None:
    with pytest.raises(UsageError, match="rank is 2 of 2"):
        VideoDataset(coded.data, rank=2, world_size=2)
