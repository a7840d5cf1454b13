"""Samples by number."""

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

import streamcodec
from streamcodec import VideoDataset, VideoMapDataset
from streamcodec.errors import CorruptStreamError, FrameIndexError, UsageError
from streamcodec.stream.sampling import mapped

pytestmark = pytest.mark.usefixtures("tiny_models")


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"frame_stride": 3},
        {"clip_length": 3},
        {"clip_length": 2, "frame_stride": 2, "clip_stride": 1},
        {"clip_length": 3, "crop": 16, "crop_position": "random", "seed": 5},
        {"clip_length": 30},
    ],
)
def test_samples_are_those_of_the_iterable_twin(coded, settings: dict[str, Any]) -> None:
    sources = [coded.data, coded.data]
    expected = list(VideoDataset(sources, **settings))
    dataset = VideoMapDataset(sources, **settings)
    assert len(dataset) == len(expected)
    for number in reversed(range(len(expected))):
        assert torch.equal(dataset[number], expected[number])
        assert torch.equal(dataset[number - len(expected)], expected[number])


@pytest.mark.slow
@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_loaders_sample_it(mixed: list[bytes], start: str) -> None:
    dataset = VideoMapDataset(mixed, clip_length=2, resize=(16, 24))
    loader = DataLoader(
        dataset,
        batch_size=3,
        shuffle=True,
        generator=torch.Generator().manual_seed(1),
        num_workers=2,
        multiprocessing_context=start,
    )
    found = torch.cat(list(loader))
    assert found.shape == (8, 2, 3, 16, 24)
    for clip in dataset:
        assert sum(torch.equal(clip, other) for other in found) == 1


def test_a_batch_keeps_its_order(coded) -> None:
    dataset = VideoMapDataset([coded.data, coded.data], transform=lambda frame: frame.index)
    assert dataset.__getitems__([17, 3, 17, 0, -1]) == [7, 3, 7, 0, 9]


def test_few_streams_are_open(coded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped, "OPEN_AT_ONCE", 2)
    dataset = VideoMapDataset([coded.data] * 4)
    for number in (0, 10, 20, 30, 0, 39):
        assert torch.equal(dataset[number], coded.frames[number % 10])
        assert len(dataset._open) <= 2


def test_copies_work_behind_use(coded) -> None:
    dataset = VideoMapDataset(coded.data)
    dataset[4]
    for other in (pickle.loads(pickle.dumps(dataset)), copy.deepcopy(dataset)):
        assert torch.equal(other[4], coded.frames[4])


def test_epochs_move_random_crops(coded) -> None:
    dataset = VideoMapDataset(coded.data, crop=8, crop_position="random")
    first = dataset[2]
    assert torch.equal(dataset[2], first)
    dataset.set_epoch(1)
    assert not torch.equal(dataset[2], first)


@pytest.mark.parametrize("number", [10, -11, 1 << 80])
def test_numbers_past_the_ends_fail(coded, number: int) -> None:
    with pytest.raises(FrameIndexError, match="the dataset has 10 samples"):
        VideoMapDataset(coded.data)[number]


def test_what_is_no_number_fails(coded) -> None:
    with pytest.raises(UsageError, match="accepted: an integer"):
        VideoMapDataset(coded.data)["1"]  # type: ignore[index]


def test_damage_raises_or_is_concealed(coded, tmp_path: Path) -> None:
    path = tmp_path / "damaged.ssf"
    data = bytearray(coded.data)
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    good = {frame.index for frame in streamcodec.open(path, on_damage="skip")}
    lost = min(set(range(10)) - good)
    with pytest.raises(UsageError, match="on_damage is 'skip'; accepted: raise or conceal"):
        VideoMapDataset(path, on_damage="skip")
    with pytest.raises(CorruptStreamError, match=r"damaged\.ssf: .*; on_damage='conceal' rep"):
        VideoMapDataset(path)[lost]
    concealed = VideoMapDataset(path, on_damage="conceal", transform=lambda frame: frame.concealed)
    assert [number for number in range(10) if concealed[number]] == sorted(set(range(10)) - good)


def test_no_sources_are_no_samples() -> None:
    assert len(VideoMapDataset([])) == 0
