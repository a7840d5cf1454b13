"""A folder of ordinary videos as clips: random parts that begin where a GOP of the video does, so that seeking costs nothing."""

import logging
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from streamcodec.errors import SourceError, UsageError
from streamcodec.video import VideoReader
from streamcodec.video.source import open_container, pick_video, reading

__all__ = ["SUFFIXES", "VideoClips", "clip_starts"]

SUFFIXES = frozenset({".avi", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm", ".y4m"})
SCALES = (0.5, 1.0)
"""A frame is shrunk by a factor in this range before it is cut: less noise of its own coding, and more kinds of motion."""
SKIP_SHARE = 0.35
"""Share of the clips that take every second frame only: faster motion."""
ATTEMPTS = 50

_log = logging.getLogger(__name__)


class VideoClips:
    """Clips of `length` frames of `side` x `side` pixels from all videos below `folder`, the larger files the more often.

    Videos that are damaged or too short are left out, with a warning in the log. Raises UsageError if the folder has no video.
    """

    def __init__(self, folder: Path, *, length: int, side: int, seed: int) -> None:
        self.length, self.side = length, side
        self._folder, self._seed = folder, seed
        self._paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
        sizes = np.array([path.stat().st_size for path in self._paths], np.float64)
        if not sizes.sum():
            raise UsageError(f"no videos in {folder}; accepted: files named {' '.join(sorted(SUFFIXES))}")
        self._shares = sizes / sizes.sum()
        self._left_out: set[Path] = set()

    def __len__(self) -> int:
        return len(self._paths)

    def __str__(self) -> str:
        return f"{len(self)} videos in {self._folder}"

    def make(self, number: int) -> NDArray[np.uint8]:
        """(length, 3, side, side) uint8 RGB. Raises SourceError if hardly any of the videos can be used."""
        for attempt in range(ATTEMPTS):
            rng = np.random.default_rng([self._seed, number, attempt])
            path = self._paths[int(rng.choice(len(self._paths), p=self._shares))]
            try:
                return self._cut(path, rng)
            except SourceError as error:
                if path not in self._left_out:
                    self._left_out.add(path)
                    _log.warning("left out: %s", error)
        raise SourceError(f"{ATTEMPTS} videos drawn from {self._folder} gave no clip of {self.length} frames; see the warnings before")

    def _cut(self, path: Path, rng: np.random.Generator) -> NDArray[np.uint8]:
        step = 2 if rng.random() < SKIP_SHARE else 1
        starts = clip_starts(path, self.length * step) or clip_starts(path, self.length)
        step = step if clip_starts(path, self.length * step) else 1
        if not starts:
            raise SourceError(f"{path} has fewer than {self.length} frames")
        start = starts[int(rng.integers(len(starts)))]
        with VideoReader(path, start_seconds=start, max_frames=self.length * step, threads=1) as reader:
            frames = [frame.planes[0] for frame in reader][::step]
        if len(frames) != self.length:
            raise SourceError(f"{path} has no {self.length} frames from {start:.3f} s on")
        scale, place = rng.uniform(*SCALES), rng.random(2)
        return np.stack([cut_out(frame, self.side, scale, place) for frame in frames])


@lru_cache(maxsize=4096)
def clip_starts(path: Path, frames: int) -> list[float]:
    """Times in seconds since the start of a video: each of its GOPs divided into parts of `frames`; the last may reach into the next.

    Packets are read and nothing is decoded. Without time stamps the beginning is the only one. SourceError if it is not a video.
    """
    with reading(str(path)), open_container(path) as container:
        stream = pick_video(container, str(path))
        packets = [(packet.pts, packet.is_keyframe) for packet in container.demux(stream) if packet.size]
        first, tick = stream.start_time or 0, stream.time_base
    if tick is None or any(pts is None for pts, _ in packets):
        return [0.0] if len(packets) >= frames else []
    shown = sorted((pts, key) for pts, key in packets if pts is not None)
    keys = [index for index, (_, key) in enumerate(shown) if key]
    ends = [*keys[1:], len(shown)]
    starts = [index for key, end in zip(keys, ends, strict=True) for index in range(key, end, frames) if index + frames <= len(shown)]
    return [float((shown[index][0] - first) * tick) for index in starts]


def cut_out(frame: NDArray[np.uint8], side: int, scale: float, place: NDArray[np.float64]) -> NDArray[np.uint8]:
    """A square of a frame (3, H, W), scaled to (3, side, side). `place`: relative position from the top and from the left, 0 to 1.

    The scale is raised where the scaled frame would be smaller than the square.
    """
    size = np.array(frame.shape[1:])
    taken = round(side / max(scale, *(side / size)))
    top, left = (place * (size - taken)).astype(int)
    square = np.ascontiguousarray(frame[:, top : top + taken, left : left + taken].transpose(1, 2, 0))
    scaled = np.asarray(Image.fromarray(square).resize((side, side), Image.Resampling.BOX))
    return np.ascontiguousarray(scaled.transpose(2, 0, 1))
