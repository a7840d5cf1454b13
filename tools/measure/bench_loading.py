#!/usr/bin/env python3
"""Frames per second of loading: streams beside the same pictures in H.264, in one run.

    tools/measure/bench_loading.py CLIP [--frames 48] [--quality 32] [--gops 32 8] [--rounds 5]

The clip is coded by streamcodec and by x264 (preset medium, zerolatency, one closed GOP length) at the
CRF of about the same PSNR. Readers are streamcodec, PyAV and, where it is installed, torchcodec. Each
gives RGB samples of full size in uint8:

    straight   all frames in order, one after the other, one thread
    one        frames at random, each asked for alone from an open file, one thread
    call       the same frames in one call (frames_at, get_frames_at), one thread
    clips      clips of 8 frames, shuffled, from a DataLoader with two workers of one thread each, which
               reads eight files of that kind; the workers live on, and the first epoch is not counted

Readers take turns, and the median of the rounds counts; beside it stands the median of the ratios to
PyAV's speed in the same round. The first three count CPU seconds of the process, so that other work
on the machine does little harm; the last counts seconds.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import av
import torch
from side_by_side import code_by, crf_for, psnr_between, write_even
from torch.utils.data import DataLoader, Dataset

import streamcodec
from streamcodec.runtime import set_threads

CLIP_LENGTH, BATCH, WORKERS, FILES = 8, 4, 2, 8
ANCHOR = "x264 zerolatency"


class ByStreamcodec:
    def __init__(self, path: Path) -> None:
        self._path = path

    def straight(self) -> int:
        with streamcodec.open(self._path, device="cpu") as video:
            return sum(frame.array is not None for frame in video)

    def one(self, indexes: Sequence[int]) -> int:
        with streamcodec.open(self._path, device="cpu") as video:
            return sum(video[index].array is not None for index in indexes)

    def call(self, indexes: Sequence[int]) -> int:
        found = streamcodec.frames_at([(self._path, index) for index in indexes], device="cpu")
        return sum(frame.array is not None for frame in found)

    def loader(self) -> DataLoader[Any]:
        dataset = streamcodec.VideoDataset(
            [self._path] * FILES, clip_length=CLIP_LENGTH, shuffle=True
        )
        return DataLoader(dataset, batch_size=BATCH, num_workers=WORKERS, persistent_workers=True)


class ByAv:
    def __init__(self, path: Path) -> None:
        self._path = path

    def straight(self) -> int:
        return sum(picture is not None for picture in self.frames(0, None))

    def one(self, indexes: Sequence[int]) -> int:
        with _opened(self._path) as container:
            return sum(len(list(_frames_from(container, index, 1))) for index in indexes)

    call = None
    """PyAV has none."""

    def frames(self, first: int, count: int | None) -> Iterator[Any]:
        """`count` frames (H, W, 3) uint8 from number `first` on; all of them if None."""
        with _opened(self._path) as container:
            yield from _frames_from(container, first, count)

    def loader(self) -> DataLoader[Any]:
        def clip(first: int) -> torch.Tensor:
            pictures = [torch.from_numpy(shown) for shown in self.frames(first, CLIP_LENGTH)]
            return torch.stack(pictures).permute(0, 3, 1, 2)

        return shuffled(clip, self._path)


class ByTorchcodec:
    def __init__(self, path: Path) -> None:
        from torchcodec.decoders import VideoDecoder

        self._path, self._open = path, partial(VideoDecoder, str(path), num_ffmpeg_threads=1)

    def straight(self) -> int:
        decoder = self._open()
        return sum(decoder[index] is not None for index in range(len(decoder)))

    def one(self, indexes: Sequence[int]) -> int:
        decoder = self._open()
        return sum(decoder[index] is not None for index in indexes)

    def call(self, indexes: Sequence[int]) -> int:
        return len(self._open().get_frames_at(list(indexes)).data)

    def loader(self) -> DataLoader[Any]:
        def clip(first: int) -> torch.Tensor:
            found: torch.Tensor = self._open().get_frames_in_range(first, first + CLIP_LENGTH).data
            return found

        return shuffled(clip, self._path)


@dataclass(frozen=True)
class Clips(Dataset[torch.Tensor]):
    """The clips of a file that lie end to end, as often as there are files."""

    clip: Callable[[int], torch.Tensor]
    per_file: int

    def __len__(self) -> int:
        return FILES * self.per_file

    def __getitem__(self, number: int) -> torch.Tensor:
        return self.clip(number % self.per_file * CLIP_LENGTH)


def shuffled(clip: Callable[[int], torch.Tensor], path: Path) -> DataLoader[torch.Tensor]:
    clips = Clips(clip, count_frames(path) // CLIP_LENGTH)
    return DataLoader(
        clips, batch_size=BATCH, shuffle=True, num_workers=WORKERS, persistent_workers=True
    )


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    with av.open(str(path)) as container:
        container.streams.video[0].codec_context.thread_count = 1
        yield container


def _frames_from(container: Any, first: int, count: int | None) -> Iterator[Any]:
    """Seeks to the key frame before, decodes, and drops what comes before `first`."""
    stream = container.streams.video[0]
    wanted = (stream.start_time or 0) + round(first / stream.average_rate / stream.time_base)
    container.seek(wanted, stream=stream)
    given = 0
    for frame in container.decode(stream):
        if frame.pts >= wanted:
            yield frame.to_ndarray(format="rgb24")
            given += 1
            if given == count:
                return


def count_frames(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(packet.size > 0 for packet in container.demux(video=0))


def fps(read: Callable[[], int], clock: Callable[[], float]) -> float:
    began = clock()
    count = read()
    return count / (clock() - began)


def epoch(loader: DataLoader[Any]) -> int:
    """Frames of one epoch."""
    return sum(clips.shape[0] * clips.shape[1] for clips in loader)


def readers_of(ours: Path, theirs: Path) -> dict[str, Any]:
    found: dict[str, Any] = {"streamcodec": ByStreamcodec(ours), "PyAV": ByAv(theirs)}
    try:
        found["torchcodec"] = ByTorchcodec(theirs)
    except (ImportError, RuntimeError, OSError):
        print("torchcodec: not installed, or without its FFmpeg; not measured")
    return found


def tasks_of(readers: dict[str, Any], frames: int) -> dict[str, dict[str, Callable[[], int]]]:
    """Task -> reader -> what reads and gives the number of frames."""
    chance = random.Random(0)
    indexes = [chance.randrange(frames) for _ in range(frames)]
    tasks: dict[str, dict[str, Callable[[], int]]] = {
        "straight": {name: reader.straight for name, reader in readers.items()},
        "one": {name: partial(reader.one, indexes) for name, reader in readers.items()},
        "call": {
            name: partial(reader.call, indexes) for name, reader in readers.items() if reader.call
        },
        "clips": {name: partial(epoch, reader.loader()) for name, reader in readers.items()},
    }
    for read in tasks["clips"].values():
        read()
    return tasks


def measure(readers: dict[str, Any], frames: int, rounds: int) -> None:
    """Prints a line for each task and reader."""
    for task, reads in tasks_of(readers, frames).items():
        clock = time.perf_counter if task == "clips" else time.process_time
        unit = "frames/s" if task == "clips" else "frames/CPU s"
        speeds: dict[str, list[float]] = {name: [] for name in reads}
        for _ in range(rounds):
            for name, read in reads.items():
                speeds[name].append(fps(read, clock))
        for name, found in speeds.items():
            beside = ""
            if "PyAV" in speeds:
                ratios = [own / pyav for own, pyav in zip(found, speeds["PyAV"], strict=True)]
                beside = f", {statistics.median(ratios):.3f} of PyAV's"
            spread = f"{min(found):.1f} to {max(found):.1f}"
            print(f"{task:9} {name:12} {statistics.median(found):8.1f} {unit} ({spread}){beside}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("clip", type=Path)
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--quality", type=int, default=32)
    parser.add_argument("--gops", type=int, nargs="+", default=[32, 8])
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    set_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "even.mkv"
        write_even(given.clip, source, given.frames)
        frames = count_frames(source)
        for gop in given.gops:
            ours, theirs = folder / f"{gop}.ssf", folder / f"{gop}.mp4"
            settings: dict[str, Any] = {"quality": given.quality, "gop": gop, "scenecut": 0}
            streamcodec.encode(source, ours, **settings)
            back = folder / "back.mkv"
            streamcodec.decode(ours, back, codec="ffv1", overwrite=True)
            aim = psnr_between(source, back)

            def psnr_at(crf: float, theirs: Path = theirs, gop: int = gop) -> float:
                code_by(ANCHOR, source, theirs, crf, gop)
                return psnr_between(source, theirs)

            crf = crf_for(psnr_at, aim)
            size = code_by(ANCHOR, source, theirs, crf, gop)
            print(
                f"GOPs of {gop}: {frames} frames, {ours.stat().st_size} bytes at {aim:.2f} dB; {ANCHOR},"
                f" CRF {crf:.1f}: {size} bytes at {psnr_between(source, theirs):.2f} dB",
                flush=True,
            )
            measure(readers_of(ours, theirs), frames, given.rounds)


if __name__ == "__main__":
    main()
