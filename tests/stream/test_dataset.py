import io
import pickle
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader

from streamcodec import Frame, VideoDataset
from streamcodec.errors import UsageError

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


def index_of(frame: Frame) -> int:
    return frame.index


@pytest.mark.parametrize(
    "kind", [io.BytesIO, bytearray, memoryview, lambda data: [io.BytesIO(data)]]
)
def test_every_kind_of_source_can_be_sent_to_workers(coded, kind) -> None:
    dataset = pickle.loads(pickle.dumps(VideoDataset(kind(coded.data), transform=index_of)))
    assert list(dataset) == list(dataset) == [*range(10)]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
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
