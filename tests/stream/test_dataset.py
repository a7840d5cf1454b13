import pytest
import torch
from torch.utils.data import DataLoader

from streamcodec.errors import UsageError
from streamcodec.stream import VideoDataset

pytestmark = pytest.mark.usefixtures("tiny_models")


def test_frames_come_in_order(coded) -> None:
    assert torch.equal(torch.stack(list(VideoDataset(coded.data))), coded.frames)


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_workers_share_the_gops(coded, start: str) -> None:
    dataset = VideoDataset([coded.data, coded.data], transform=None)
    loader = DataLoader(dataset, batch_size=None, num_workers=2, multiprocessing_context=start)
    frames = list(loader)
    assert len(frames) == 20
    for expected in coded.frames:
        assert sum(torch.equal(frame, expected) for frame in frames) == 2


def test_ranks_share_the_gops(coded) -> None:
    shards = [list(VideoDataset(coded.data, rank=rank, world_size=2, transform=lambda frame: frame.index)) for rank in range(2)]
    assert shards == [[0, 1, 2, 3, 8, 9], [4, 5, 6, 7]]


def test_shuffling_mixes_gops_by_epoch(coded) -> None:
    dataset = VideoDataset([coded.data] * 4, shuffle=True, transform=lambda frame: frame.index)
    first = list(dataset)
    assert first == list(dataset)
    dataset.set_epoch(1)
    second = list(dataset)
    assert first != second
    assert sorted(first) == sorted(second) == sorted([*range(10)] * 4)


def test_rank_outside_of_the_world_fails(coded) -> None:
    with pytest.raises(UsageError, match="rank is 2 of 2"):
        VideoDataset(coded.data, rank=2, world_size=2)
