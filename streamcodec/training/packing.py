"""Clips small enough to travel: a piece is a ZIP file of clips, a fifteenth of the shards' size, written and read with numpy alone.

Frames are YCbCr (BT.601, full range) with chroma at half size, the cosine transform of 8x8 blocks rounded to multiples of one step,
and LZMA over the coefficients, equal frequencies together. At the default step luma keeps 43 to 49 dB, more than the codec
is asked for. Flow hints are rounded to quarters of a pixel.

    clips.json   {"length": T, "side": S, "step": quantiser step, "count": n}
    NNNNN.xz     the n clips: LZMA of low bytes, then high bytes, of the zigzag-coded values (0, -1, 1, -2, ...) of the Y, Cb and Cr
                 coefficients (8, 8, T, h, w) each and of the flows (2, T, 2, S/4, S/4), as differences along x
"""

import json
import lzma
import math
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streamcodec.errors import UsageError
from streamcodec.training.data import Shards

__all__ = ["decode_clip", "encode_clip", "pack", "unpack"]

Frames = NDArray[np.uint8]
Flows = NDArray[np.float16]
DEFAULT_STEP = 6.0
FLOW_STEPS = 4
"""Steps of the flow per pixel."""
CLIPS_PER_SHARD = 24
INDEX = "clips.json"
TO_YCC = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32)
FROM_YCC = np.linalg.inv(TO_YCC.astype(np.float64)).astype(np.float32)


def pack(
    shards: Shards, folder: Path, piece_bytes: int, step: float = DEFAULT_STEP, pieces: int | None = None, jobs: int = 1
) -> list[Path]:
    """Write the clips of `shards`, in order, as `piece-NN.zip` of at most `piece_bytes`; the first `pieces` of them, or all."""
    if step <= 0:
        raise UsageError(f"step is {step}; accepted: above 0, such as {DEFAULT_STEP}")
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    clips: list[bytes] = []
    with ThreadPoolExecutor(jobs) as pool:
        for start in range(0, len(shards), jobs):
            for data in pool.map(lambda number: encode_clip(*shards.clip(number), step), range(start, min(start + jobs, len(shards)))):
                if clips and sum(map(_stored_size, clips)) + _stored_size(data) + 1024 > piece_bytes:
                    written.append(_write_piece(folder, len(written), clips, shards, step))
                    clips = []
                    if len(written) == pieces:
                        return written
                clips.append(data)
    return [*written, _write_piece(folder, len(written), clips, shards, step)]


def unpack(pieces: Sequence[Path], folder: Path, jobs: int = 1) -> int:
    """Write the clips of `pieces` as shards into `folder`, in parts of CLIPS_PER_SHARD; returns how many clips there were.

    A piece that was unpacked there before is skipped. Raises UsageError if a piece is damaged or none is given.
    """
    if not pieces:
        raise UsageError("no pieces of clips to unpack; tools and commands are described in docs/training.md")
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for path in pieces:
        done = folder / f"{path.stem}.done"
        if not done.exists():
            done.write_text(str(_unpack_piece(path, folder, jobs)))
        count += int(done.read_text())
    return count


def encode_clip(frames: Frames, flows: Flows, step: float) -> bytes:
    """frames (T, 3, S, S) RGB and flows (2, T, 2, S/4, S/4) in pixels -> LZMA."""
    ycc = np.einsum("ij,tjhw->ithw", TO_YCC, frames.astype(np.float32))
    planes = [ycc[0] - 128, _halved(ycc[1]), _halved(ycc[2])]
    steps = np.rint(flows.astype(np.float32) * FLOW_STEPS).astype(np.int16)
    values = [_coefficients(plane, step).ravel() for plane in planes] + [np.diff(steps, axis=-1, prepend=np.int16(0)).ravel()]
    whole = np.concatenate(values).astype(np.int32)
    zigzag = np.where(whole < 0, -2 * whole - 1, 2 * whole).astype(np.uint16)
    return lzma.compress((zigzag & 255).astype(np.uint8).tobytes() + (zigzag >> 8).astype(np.uint8).tobytes())


def decode_clip(data: bytes, length: int, side: int, step: float) -> tuple[Frames, Flows]:
    """What `encode_clip` was given, nearly. Raises UsageError if the data are damaged or of another shape."""
    low_high = np.frombuffer(_decompress(data), np.uint8)
    sizes = [length * side * side, length * side * side // 4, length * side * side // 4, 4 * length * side * side // 16]
    if low_high.size != 2 * sum(sizes):
        raise UsageError(f"a packed clip holds {low_high.size // 2} values; {sum(sizes)} make {length} frames of {side} pixels")
    zigzag = low_high[: sum(sizes)].astype(np.int32) | low_high[sum(sizes) :].astype(np.int32) << 8
    parts = np.split(np.where(zigzag & 1, -(zigzag + 1) // 2, zigzag // 2), np.cumsum(sizes)[:-1])
    y, cb, cr = (_plane(part, length, step) for part in parts[:3])
    ycc = np.stack((y + 128, _doubled(cb), _doubled(cr)))
    rgb = np.einsum("ij,jthw->tihw", FROM_YCC, ycc)
    flows = np.cumsum(parts[3].reshape(2, length, 2, side // 4, side // 4), axis=-1) / np.float32(FLOW_STEPS)
    return np.clip(np.rint(rgb), 0, 255).astype(np.uint8), flows.astype(np.float16)


def _write_piece(folder: Path, number: int, clips: Sequence[bytes], shards: Shards, step: float) -> Path:
    path = folder / f"piece-{number:02d}.zip"
    with zipfile.ZipFile(path, "w") as piece:
        index = {"length": shards.length, "side": shards.side, "step": step, "count": len(clips)}
        piece.writestr(INDEX, json.dumps(index))
        for clip, data in enumerate(clips):
            piece.writestr(f"{clip:05d}.xz", data)
    return path


def _stored_size(data: bytes) -> int:
    return len(data) + 256  # what ZIP adds for each


def _unpack_piece(path: Path, folder: Path, jobs: int) -> int:
    try:
        with zipfile.ZipFile(path) as piece:
            index = json.loads(piece.read(INDEX))
            length, side, step, count = int(index["length"]), int(index["side"]), float(index["step"]), int(index["count"])
            clips = [piece.read(f"{clip:05d}.xz") for clip in range(count)]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UsageError(f"cannot read the piece of clips {path}: {error}") from error
    with ThreadPoolExecutor(jobs) as pool:
        for start in range(0, count, CLIPS_PER_SHARD):
            decoded = list(pool.map(lambda data: decode_clip(data, length, side, step), clips[start : start + CLIPS_PER_SHARD]))
            name = f"{path.stem}-{start // CLIPS_PER_SHARD:03d}"
            np.save(folder / f"{name}.flows.npy", np.stack([flows for _, flows in decoded]))
            np.save(folder / f"{name}.frames.npy", np.stack([frames for frames, _ in decoded]))
    return count


def _decompress(data: bytes) -> bytes:
    try:
        return lzma.decompress(data)
    except lzma.LZMAError as error:
        raise UsageError(f"a packed clip is damaged: {error}") from error


def _cosines() -> NDArray[np.float32]:
    """(8, 8) orthonormal: row k is the k-th cosine."""
    k = np.arange(8)
    table = 0.5 * np.cos(np.pi * (2 * k[None] + 1) * k[:, None] / 16)
    table[0] *= math.sqrt(0.5)
    return table.astype(np.float32)


def _coefficients(plane: NDArray[np.float32], step: float) -> NDArray[np.int16]:
    """(T, H, W) -> (8, 8, T, H/8, W/8) in steps."""
    length, height, width = plane.shape
    blocks = plane.reshape(length, height // 8, 8, width // 8, 8).transpose(0, 1, 3, 2, 4)
    cosines = _cosines()
    return np.rint(cosines @ blocks @ cosines.T / step).astype(np.int16).transpose(3, 4, 0, 1, 2)


def _plane(steps: NDArray[np.int32], length: int, step: float) -> NDArray[np.float32]:
    side = math.isqrt(steps.size // length)
    blocks = steps.reshape(8, 8, length, side // 8, side // 8).transpose(2, 3, 4, 0, 1).astype(np.float32) * np.float32(step)
    cosines = _cosines()
    pixels: NDArray[np.float32] = cosines.T @ blocks @ cosines
    return pixels.transpose(0, 1, 3, 2, 4).reshape(length, side, side)


def _halved(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    length, height, width = plane.shape
    halved: NDArray[np.float32] = plane.reshape(length, height // 2, 2, width // 2, 2).mean((2, 4))
    return halved


def _doubled(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    return plane.repeat(2, 1).repeat(2, 2)
