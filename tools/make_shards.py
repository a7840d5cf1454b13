"""Makes training shards from a folder of videos, picture sequences and photographs: `tools/make_shards.py SOURCE OUT`.

    SOURCE/video/**   anything FFmpeg reads     SOURCE/davis/<sequence>/*.jpg   frames     SOURCE/photos/*.jpg   photographs

Every clip is LENGTH frames of SIDE x SIDE pixels. Videos give crops at several scales with one or two source frames per step; photographs
give synthetic pan, zoom and rotation, with a piece of a second photograph moving in front of some. The layout that is written is
described in `streamcodec/training/data.py`: a shard is read with numpy alone. The same seed gives the same clips.
"""

import argparse
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.uint8]  # (H, W, 3) for one picture, (T, H, W, 3) for a clip

LENGTH, SIDE, CLIPS_PER_SHARD = 12, 224, 24
VIDEO_SUFFIXES = {".mp4", ".mkv", ".mpg", ".avi", ".mov", ".webm"}
STILL_BELOW = 1.0  # mean absolute difference of neighbouring frames, in 8-bit steps: most crops below this are dropped


@dataclass(frozen=True)
class Source:
    """One video, sequence or photograph, with how many clips to cut from it and the range of scales that hides its own coding noise."""

    path: Path
    clips: int
    scale: tuple[float, float]


@dataclass(frozen=True)
class Cut:
    """Where a clip lies: first frame, frames per step, scale of the frame before cropping, relative position of the crop (0..1)."""

    start: int
    stride: int
    scale: float
    at: tuple[float, float]

    def crop(self, frame: Frames) -> Frames:
        """(H, W, 3) -> (SIDE, SIDE, 3); the scale is raised where the scaled frame would be smaller than the crop."""
        height, width = frame.shape[:2]
        scale = max(self.scale, SIDE / height, SIDE / width)
        side = round(SIDE / scale)
        top, left = (int(a * (size - side)) for a, size in zip(self.at, (height, width), strict=True))
        return cv2.resize(frame[top : top + side, left : left + side], (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def plan(root: Path, clips_factor: float) -> list[Source]:
    """Lists the sources below `root`, with the number of clips of each in proportion to how much there is to see in it."""
    found: list[tuple[Path, float, tuple[float, float]]] = []
    for path in sorted((root / "video").rglob("*")):
        if path.suffix in VIDEO_SUFFIXES:
            size_mb = path.stat().st_size / 1e6
            found.append((path, float(np.clip(8 * size_mb, 2, 28)), (0.5, 1.0)))
    found += [(path, 18, (0.5, 0.72)) for path in sorted((root / "davis").glob("*")) if path.is_dir()]
    found += [(path, 3, (0.25, 0.9)) for path in sorted((root / "photos").glob("*.jpg"))]
    return [Source(path, max(1, round(clips * clips_factor)), scale) for path, clips, scale in found]


def read_frames(path: Path) -> Iterator[Frames]:
    """Yields RGB frames (H, W, 3) of a video or of a folder of JPEG frames."""
    if path.is_dir():
        for picture in sorted(path.glob("*.jpg")):
            yield read_picture(picture)
        return
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24")


def read_picture(path: Path) -> Frames:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise SystemExit(f"{path} is not a picture that OpenCV reads")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def video_clips(source: Source, rng: np.random.Generator) -> list[Frames]:
    """Cuts `source.clips` clips in one pass over the video, and drops most of those in which nothing moves."""
    total = sum(1 for _ in read_frames(source.path)) if source.path.is_file() else len(list(source.path.glob("*.jpg")))
    cuts = [draw_cut(total, source.scale, rng) for _ in range(2 * source.clips)]
    kept: list[list[Frames]] = [[] for _ in cuts]
    for index, frame in enumerate(read_frames(source.path)):
        for cut, frames in zip(cuts, kept, strict=True):
            offset = index - cut.start
            if 0 <= offset < LENGTH * cut.stride and offset % cut.stride == 0:
                frames.append(cut.crop(frame))
    clips = [np.stack(frames) for frames in kept if len(frames) == LENGTH]
    clips = [clip for clip in clips if motion(clip) > STILL_BELOW or rng.random() < 0.1]
    return clips[: source.clips]


def draw_cut(total: int, scale: tuple[float, float], rng: np.random.Generator) -> Cut:
    stride = 2 if total > 2 * LENGTH and rng.random() < 0.35 else 1
    start = int(rng.integers(0, max(1, total - LENGTH * stride)))
    return Cut(start, stride, float(rng.uniform(*scale)), (float(rng.random()), float(rng.random())))


def motion(clip: Frames) -> float:
    return float(np.abs(np.diff(clip[:, ::2, ::2].astype(np.int16), axis=0)).mean())


def photo_clips(source: Source, others: list[Path], rng: np.random.Generator) -> list[Frames]:
    photo = read_picture(source.path)
    other = read_picture(others[int(rng.integers(len(others)))])
    return [photo_clip(photo, other if rng.random() < 0.4 else None, source.scale, rng) for _ in range(source.clips)]


def photo_clip(photo: Frames, other: Frames | None, scale: tuple[float, float], rng: np.random.Generator) -> Frames:
    """A camera moving over `photo`; `other`, where given, is seen through a soft blob that moves by itself in front."""
    picture = shrink(photo, float(rng.uniform(*scale)))
    front = None if other is None else shrink(other, float(rng.uniform(*scale)))
    back_path, front_path = draw_path(rng), draw_path(rng)
    blob = draw_blob(rng)
    gain = 1 + float(rng.choice([0.0, 0.0, 0.02])) * np.linspace(-1, 1, LENGTH) * 6 * rng.choice([-1, 1])
    frames = []
    for t in range(LENGTH):
        frame = look(picture, back_path[t])
        if front is not None:
            alpha = look(blob, front_path[t])[..., None]
            frame = (1 - alpha) * frame + alpha * look(front, front_path[t])
        frames.append(np.clip(frame * gain[t] + 0.5, 0, 255).astype(np.uint8))
    return np.stack(frames)


def shrink(photo: Frames, scale: float) -> NDArray[np.float32]:
    scale = max(scale, 1.3 * SIDE / min(photo.shape[:2]))
    return cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.float32)


def draw_path(rng: np.random.Generator) -> NDArray[np.float64]:
    """(LENGTH, 4): centre x and y relative to the picture's middle, in pixels, zoom, rotation in degrees; up to 12 pixels per frame."""
    speed = np.exp(rng.uniform(np.log(0.2), np.log(12)))
    angle, t = rng.uniform(0, 2 * np.pi), np.arange(LENGTH) - LENGTH / 2
    bend = rng.normal(0, 0.04) * speed
    shake = rng.normal(0, 0.3, (LENGTH, 2)) * (rng.random() < 0.3)
    x = np.cos(angle) * speed * t - np.sin(angle) * bend * t**2 / 2 + shake[:, 0]
    y = np.sin(angle) * speed * t + np.cos(angle) * bend * t**2 / 2 + shake[:, 1]
    zoom = np.exp(rng.normal(0, 0.008) * t * (rng.random() < 0.6))
    return np.stack([x, y, zoom, rng.normal(0, 0.5) * t * (rng.random() < 0.5)], 1)


def draw_blob(rng: np.random.Generator) -> NDArray[np.float32]:
    """(2 SIDE, 2 SIDE) in 0..1: an ellipse with a wavy edge, soft over two pixels."""
    ys, xs = np.mgrid[-SIDE:SIDE, -SIDE:SIDE] / SIDE
    around = np.arctan2(ys, xs)
    radius = rng.uniform(0.15, 0.4) * (1 + 0.2 * np.sin(rng.integers(2, 6) * around + rng.uniform(0, 6)))
    squeeze = rng.uniform(0.6, 1.6)
    inside = radius - np.hypot(xs * squeeze, ys / squeeze)
    return np.clip(inside * SIDE / 2 + 0.5, 0, 1).astype(np.float32)


def look(picture: NDArray[np.float32], pose: NDArray[np.float64]) -> NDArray[np.float32]:
    """SIDE x SIDE pixels of `picture` as seen from a row of `draw_path`."""
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2 + pose[0], height / 2 + pose[1]), float(pose[3]), float(pose[2]))
    matrix[:, 2] += (SIDE / 2 - width / 2 - pose[0], SIDE / 2 - height / 2 - pose[1])
    view = cv2.warpAffine(picture, matrix, (SIDE, SIDE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.clip(view, 0, None)


def flow_hints(clip: Frames) -> NDArray[np.float16]:
    """(T, H, W, 3) -> (2, T, 2, H/4, W/4): displacement in pixels from frame t to t-1 and to t+1, or 0."""
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in clip]
    quarter = SIDE // 4
    hints = np.zeros((2, LENGTH, 2, quarter, quarter), np.float16)
    for direction, step in enumerate((-1, 1)):
        for t in range(LENGTH):
            if 0 <= t + step < LENGTH:
                flow = dis.calc(grey[t], grey[t + step], np.zeros((SIDE, SIDE, 2), np.float32))
                hints[direction, t] = cv2.resize(flow, (quarter, quarter), interpolation=cv2.INTER_AREA).transpose(2, 0, 1)
    return hints


def make(source: Source, others: list[Path], seed: list[int]) -> tuple[Frames, NDArray[np.float16]] | None:
    """All clips of one source: frames (n, T, 3, H, W) uint8 and hints (n, 2, T, 2, H/4, W/4); None if the source has no clip to give."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng(seed)
    clips = photo_clips(source, others, rng) if source.path.parent.name == "photos" else video_clips(source, rng)
    if not clips:
        return None
    return np.stack(clips).transpose(0, 1, 4, 2, 3), np.stack([flow_hints(clip) for clip in clips])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--factor", type=float, default=1.0, help="clips per source, relative to the default of about 700 in all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    sources = plan(args.source, args.factor)
    photos = sorted((args.source / "photos").glob("*.jpg"))
    order = np.random.default_rng(args.seed).permutation(len(sources))  # so that every prefix of the shards is a mixture
    with ProcessPoolExecutor(args.jobs) as pool:
        done = pool.map(make, [sources[i] for i in order], [photos] * len(order), [[args.seed, int(i)] for i in order])
        write_shards(args.out, done)


def write_shards(out: Path, made: Iterator[tuple[Frames, NDArray[np.float16]] | None]) -> None:
    frames: list[Frames] = []
    flows: list[NDArray[np.float16]] = []
    number = 0
    for item in made:
        if item is not None:
            frames.extend(item[0])
            flows.extend(item[1])
        while len(frames) >= CLIPS_PER_SHARD:
            write_shard(out, number, frames[:CLIPS_PER_SHARD], flows[:CLIPS_PER_SHARD])
            frames, flows, number = frames[CLIPS_PER_SHARD:], flows[CLIPS_PER_SHARD:], number + 1
    if frames:
        write_shard(out, number, frames, flows)


def write_shard(out: Path, number: int, frames: list[Frames], flows: list[NDArray[np.float16]]) -> None:
    np.save(out / f"{number:03d}.flows.npy", np.stack(flows))
    np.save(out / f"{number:03d}.frames.npy", np.stack(frames))  # last: a reader lists the shards by this file
    print(f"shard {number:03d}: {len(frames)} clips", flush=True)


if __name__ == "__main__":
    main()
