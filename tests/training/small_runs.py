"""Small shards of made-up clips, and configs of small models, for the tests of training."""

from pathlib import Path
from typing import Any

import numpy as np

from streamcodec.training import Shards, TrainConfig

SMALL_IMAGE = {"width4": 48, "width8": 24, "latent": 16, "hyper": 8}
SMALL_FLOW = {"width4": 48, "width8": 24, "latent": 16, "hyper": 8, "motion_latent": 8, "motion_hyper": 16}
SMALL_FLOW |= {"motion_width4": 8, "motion_width8": 16}
SIDE, LENGTH = 48, 5


def write_shards(folder: Path, clips: tuple[int, ...] = (4, 2)) -> Path:
    """Shards of moving waves; the flow says what moved where."""
    rng = np.random.default_rng(5)
    for number, count in enumerate(clips):
        made = [wave_clip(rng) for _ in range(count)]
        np.save(folder / f"{number:03d}.frames.npy", np.stack([frames for frames, _ in made]))
        np.save(folder / f"{number:03d}.flows.npy", np.stack([flows for _, flows in made]))
    return folder


def wave_clip(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(T, 3, S, S) uint8 that moves by a whole number of pixels per frame, and (2, T, 2, S/4, S/4) float16."""
    speed, phases = rng.integers(-3, 4, 2), rng.uniform(0, 6, 3)
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    planes = [128 + 60 * np.sin((x - speed[0] * t) / 5 + phase) * np.cos((y - speed[1] * t) / 7) for t in range(LENGTH) for phase in phases]
    frames = np.stack(planes).reshape(LENGTH, 3, SIDE, SIDE).astype(np.uint8)
    flows = np.zeros((2, LENGTH, 2, SIDE // 4, SIDE // 4), np.float16)
    flows[0, 1:] = -speed[:, None, None]
    flows[1, :-1] = speed[:, None, None]
    return frames, flows


def small_config(**fields: Any) -> TrainConfig:
    defaults: dict[str, Any] = {
        "stage": "joint",
        "steps": 8,
        "image_start": "fresh",
        "flow_start": "fresh",
        "image_batch": 2,
        "flow_batch": 2,
        "chains": 3,
    }
    defaults |= {"crop": 32, "min_depth": 2, "max_depth": 4, "gain_rows": 3, "image": SMALL_IMAGE, "flow": SMALL_FLOW, "warmup": 2}
    return TrainConfig(**{**defaults, **fields})


def shards_in(folder: Path) -> Shards:
    return Shards(write_shards(folder))
