"""Clips, strides, sizes and types of VideoDataset."""

from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import streamcodec
from streamcodec import FrameBatch, VideoDataset
from streamcodec.errors import CorruptStreamError, UsageError
from streamcodec.stream.sampling.clips import Clips

pytestmark = pytest.mark.usefixtures("tiny_models")


def indexes_of(shown: Any) -> list[int]:
    return shown.indexes.tolist() if isinstance(shown, FrameBatch) else [shown.index]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"clip_length": 3}, [[0, 1, 2], [3, 4, 5], [6, 7, 8]]),
        ({"clip_length": 10}, [[*range(10)]]),
        ({"clip_length": 11}, []),
        ({"clip_length": 3, "frame_stride": 2}, [[0, 2, 4]]),
        ({"clip_length": 2, "frame_stride": 3, "clip_stride": 3}, [[0, 3], [3, 6], [6, 9]]),
        ({"clip_length": 3, "frame_stride": 2, "clip_stride": 1}, [[n, n + 2, n + 4] for n in range(6)]),
        ({"clip_length": 2, "clip_stride": 6}, [[0, 1], [6, 7]]),
        ({"clip_length": 1}, [[n] for n in range(10)]),
        ({"frame_stride": 3}, [[0], [3], [6], [9]]),
        ({"clip_stride": 5}, [[0], [5]]),
    ],
)  # fmt: skip
def test_clips_are_where_lengths_and_strides_say(
    coded, settings: dict[str, Any], expected: list[list[int]]
) -> None:
    assert list(VideoDataset(coded.data, transform=indexes_of, **settings)) == expected
    pixels = list(VideoDataset(coded.data, **settings))
    length = settings.get("clip_length")
    for sample, indexes in zip(pixels, expected, strict=True):
        assert torch.equal(sample, coded.frames[indexes if length else indexes[0]])


@pytest.mark.slow
@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_workers_share_the_clips(coded, start: str) -> None:
    indexes = attrgetter(
        "indexes"
    )  # processes that do not fork could not import one of this file's
    dataset = VideoDataset(coded.data, clip_length=2, clip_stride=1, transform=indexes)
    loader = DataLoader(dataset, batch_size=None, num_workers=2, multiprocessing_context=start)
    assert sorted(clip.tolist() for clip in loader) == [[n, n + 1] for n in range(9)]


@pytest.mark.parametrize("start", [0, 2, 4])
@pytest.mark.parametrize(("length", "stride", "step"), [(3, 1, 2), (2, 3, 1), (4, 2, 3)])
def test_a_window_holds_no_more_than_a_clip_spans(
    coded, start: int, length: int, stride: int, step: int
) -> None:
    frames = list(streamcodec.open(coded.data))
    clips = Clips(length, stride, step)
    starts = range(start, 10 - clips.span + 1, step)
    found = list(clips._windows(iter(frames[start:]), starts))
    assert [[frame.index for frame in clip] for clip in found] == [
        list(range(first, first + clips.span, stride)) for first in starts
    ]


def damaged(data: bytes, frame: int, frames: int = 10) -> bytes:
    changed = bytearray(data)
    changed[len(data) * frame // frames] ^= 0xFF
    return bytes(changed)


def test_clips_with_lost_frames_are_left_out(coded) -> None:
    data = damaged(coded.data, 5)
    kept = {frame.index for frame in streamcodec.open(data, on_damage="skip")}
    assert len(kept) < 10
    expected = [[n, n + 1] for n in range(9) if {n, n + 1} <= kept]
    settings = {"clip_length": 2, "clip_stride": 1, "transform": indexes_of}
    assert list(VideoDataset(data, on_damage="skip", **settings)) == expected
    whole = list(VideoDataset(data, on_damage="conceal", **settings))
    assert whole == [[n, n + 1] for n in range(9)]
    with pytest.raises(CorruptStreamError, match="on_damage='skip'"):
        list(VideoDataset(data, **settings))


def test_mixed_videos_make_batches(mixed: list[bytes]) -> None:
    dataset = VideoDataset(
        mixed, clip_length=3, resize=24, crop=(20, 16), output_dtype=torch.float32
    )
    (batch,) = DataLoader(dataset, batch_size=8)
    assert batch.shape == (5, 3, 3, 20, 16)
    assert batch.dtype == torch.float32
    assert 0 <= batch.min() < 0.5 < batch.max() <= 1


def test_sizes_keep_the_aspect_or_not(mixed: list[bytes]) -> None:
    assert {tuple(frame.shape) for frame in VideoDataset(mixed, resize=16)} == {
        (3, 16, 24),
        (3, 26, 16),
    }
    assert {tuple(frame.shape) for frame in VideoDataset(mixed, resize=(8, 12))} == {(3, 8, 12)}
    assert {tuple(frame.shape) for frame in VideoDataset(mixed, crop=20)} == {(3, 20, 20)}  # fmt: skip


def test_a_crop_is_a_part_of_the_frame(coded) -> None:
    for frame, whole in zip(VideoDataset(coded.data, crop=(20, 31)), coded.frames, strict=True):
        assert torch.equal(frame, whole[:, 8:28, 11:42])


def test_random_crops_follow_seed_and_epoch(coded) -> None:
    def crops(seed: int, epoch: int, **settings: Any) -> list[torch.Tensor]:
        dataset = VideoDataset(
            coded.data, crop=16, crop_position="random", seed=seed, clip_length=2, **settings
        )
        dataset.set_epoch(epoch)
        return list(dataset)

    first = torch.stack(crops(0, 0))
    assert torch.equal(first, torch.stack(crops(0, 0)))
    assert not torch.equal(first, torch.stack(crops(1, 0)))
    assert not torch.equal(first, torch.stack(crops(0, 1)))
    of_ranks = [crops(0, 0, rank=rank, world_size=2) for rank in range(2)]
    assert torch.equal(torch.stack([*of_ranks[0][:2], *of_ranks[1], *of_ranks[0][2:]]), first)


def test_clips_share_a_crop(coded) -> None:
    for clip in VideoDataset(coded.data, crop=16, crop_position="random", clip_length=4):
        places = [
            (top, left)
            for top in range(37 - 15)
            for left in range(53 - 15)
            if any(
                torch.equal(
                    clip, coded.frames[start : start + 4, :, top : top + 16, left : left + 16]
                )
                for start in (0, 4)
            )
        ]
        assert len(places) == 1


@pytest.mark.parametrize("name", ["float16", "float32", "bfloat16"])
def test_types_are_fractions_of_255(coded, name: str) -> None:
    dtype = getattr(torch, name)
    frame = next(iter(VideoDataset(coded.data, output_dtype=name)))
    assert frame.dtype == dtype
    assert torch.equal(frame, (coded.frames[0].float() / 255).to(dtype))
    if name != "bfloat16":
        same = next(iter(VideoDataset(coded.data, output_dtype=getattr(np, name))))
        assert torch.equal(frame, same)


def test_transform_sees_what_is_resized(mixed: list[bytes]) -> None:
    def seen(clip: FrameBatch) -> tuple[tuple[int, ...], float]:
        return clip.data.shape, float(clip.pts_seconds[1])

    (first, *_) = VideoDataset(mixed, clip_length=2, resize=(16, 16), transform=seen)
    assert first == ((2, 3, 16, 16), pytest.approx(0.1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"clip_length": 0}, "clip length is 0"),
        ({"frame_stride": 0}, "frame stride is 0"),
        ({"clip_stride": 1.5}, r"clip stride is 1\.5"),
        ({"resize": 0}, "resize is 0"),
        ({"resize": (3, 4, 5)}, "resize is .3, 4, 5.; accepted: an integer, or .height, width"),
        ({"crop": (3, 0)}, "width of crop is 0"),
        ({"crop_position": "left"}, "crop_position is 'left'; accepted: center, random"),
        ({"output_dtype": "int8"}, "output_dtype is 'int8'; accepted: uint8"),
        ({"output_dtype": "float32", "transform": indexes_of}, "accepted: one of them"),
    ],
)
def test_what_is_not_accepted_fails(coded, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        VideoDataset(coded.data, **settings)


def test_a_crop_that_does_not_fit_names_the_stream(coded, tmp_path: Path) -> None:
    path = tmp_path / "small.ssf"
    path.write_bytes(coded.data)
    dataset = VideoDataset(path, crop=64)
    with pytest.raises(UsageError, match=r"crop is 64x64 .*small\.ssf are 37x53: resize"):
        next(iter(dataset))
