"""Makes a folder of pairs (folder.py), or of photographs' crops, in several processes; the same
seed gives the same rows."""

import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from streamcodec.codec.dct_weights import load_dct_weights
from streamcodec.errors import SourceError, UsageError
from streamcodec.training.data.folder import Crops, PairWriter
from streamcodec.training.data.planes import Planes, flat_crop
from streamcodec.training.data.references import (
    Predicted,
    load_models,
    predict_from_codec,
    predict_from_x264,
)
from streamcodec.training.data.sources import WINDOW, find_photos, find_videos, read_clip, read_rgb
from streamcodec.training.data.synthetic import moving_clip, to_planes
from streamcodec.training.data.text import text_picture

__all__ = ["Recipe", "make_pairs"]

GROUP = 4
"""Rows of one clip."""
TRIES = 50
LENGTHS = (2, 3, 3, 4, 6)
CODEC_LENGTHS = (5, 9, 14, 22, 31)
"""Frames of a clip that x264 codes, and that the codec itself codes: errors that pile up along a GOP must be seen."""
INTRA_OFFSETS = (4.0, 10.0)
"""How much finer the codec's I-frame is than its P-frames, in q."""
FRONT = 0.35
"""Share of the photographs in motion before which something else moves."""
TEXT_SIZE = (400, 500)
STILL_VIDEOS, STILL_SMALLEST = 0.25, 0.3
"""Of stills: the share that is of videos, and the least scale of a photograph."""


@dataclass(frozen=True)
class Recipe:
    """What a folder is made of. `videos`, `photos`: files, and folders that are searched.

    `stills`: crops of the photographs alone, for I-frames, in the place of pairs. `crop`: pixels, a
    multiple of 16. `moving`, `text`: shares of the clips that are photographs in motion and print
    in motion; without videos all are. `codec`: weights files of I-frames and P-frames that code the
    references; without them x264 does. `lowest_q`, `highest_q`: of the references.
    """

    videos: tuple[Path, ...] = ()
    photos: tuple[Path, ...] = ()
    stills: bool = False
    codec: tuple[Path, Path] | None = None
    crop: int = 192
    moving: float = 0.25
    text: float = 0.08
    lowest_q: float = 12.0
    highest_q: float = 43.0
    seed: int = 1


@dataclass(frozen=True)
class _Material:
    recipe: Recipe
    videos: tuple[Path, ...]
    photos: tuple[Path, ...]

    def draw_video(self, rng: np.random.Generator) -> Path:
        """Of n videos in one folder, each is drawn 1 / sqrt(n) as often as a video that is alone
        in its own."""
        beside = Counter(path.parent for path in self.videos)
        weights = np.array([beside[path.parent] ** -0.5 for path in self.videos])
        return self.videos[rng.choice(len(self.videos), p=weights / weights.sum())]


def make_pairs(
    recipe: Recipe, out: Path, count: int, *, jobs: int = 1, report: Callable[[str], None] = print
) -> None:
    """Fill the folder `out` with `count` rows; one that was begun with the same recipe goes on
    where it stopped.

    Files that cannot be read are named and left out. Raises UsageError, OutputError, and
    SourceError where nothing can be read.
    """
    material = _Material(
        recipe, tuple(find_videos(recipe.videos)), tuple(find_photos(recipe.photos))
    )
    if not material.videos and not material.photos:
        raise UsageError(
            "there is nothing to make pairs of; name videos (--videos) or photographs (--photos)"
        )
    if recipe.crop % 16 or recipe.crop < 64:
        raise UsageError(f"crop is {recipe.crop}; accepted: multiples of 16 from 64 on")
    names = (
        ["frames"]
        if recipe.stills
        else ["frames", "predictions", "q"] + ["before"] * (recipe.codec is not None)
    )
    writer = PairWriter(out, names, recipe.crop, count, GROUP, {"recipe": _described(recipe)})
    groups = writer.missing()
    complaints: set[str] = set()
    for done, (number, crops, unreadable) in enumerate(_made(material, groups, jobs), 1):
        writer.put(number, crops)
        for line in sorted(unreadable - complaints):
            report(f"left out: {line}")
        complaints |= unreadable
        if done % 50 == 0 or done == len(groups):
            report(f"{min(count, GROUP * done)} of {min(count, GROUP * len(groups))} crops")
    writer.finish()


def _described(recipe: Recipe) -> dict[str, object]:
    fields = asdict(recipe)
    paths = {name: [str(path) for path in fields[name]] for name in ("videos", "photos")}
    return (
        fields | paths | {"codec": [load_dct_weights(path).id.hex() for path in recipe.codec or ()]}
    )


Made = tuple[int, Crops, set[str]]
"""A group's number, its rows, and what was wrong with files that were drawn for it."""


def _made(material: _Material, groups: list[int], jobs: int) -> Iterator[Made]:
    if jobs == 1 or len(groups) < 2:
        yield from (_make(material, number) for number in groups)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        jobs, context, initializer=torch.set_num_threads, initargs=(1,)
    ) as pool:
        futures = [pool.submit(_make, material, number) for number in groups]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _make(material: _Material, number: int) -> Made:
    """Draws clips until one is usable."""
    rng = np.random.default_rng([material.recipe.seed, number])
    complaints: set[str] = set()
    for _ in range(TRIES):
        try:
            made = _stills(material, rng) if material.recipe.stills else _pairs(material, rng)
        except SourceError as error:
            complaints.add(str(error))
            continue
        if made is not None:
            return number, made, complaints
    reasons = (
        "; ".join(sorted(complaints)[:3])
        or f"all are shorter or smaller than {material.recipe.crop} pixels"
    )
    raise SourceError(f"no clip was usable in {TRIES} draws: {reasons}")


def _pairs(material: _Material, rng: np.random.Generator) -> Crops | None:
    recipe = material.recipe
    clip = _clip(material, int(rng.choice(CODEC_LENGTHS if recipe.codec else LENGTHS)), rng)
    if clip is None:
        return None
    q = rng.uniform(recipe.lowest_q, recipe.highest_q)
    if recipe.codec:
        predicted = predict_from_codec(
            clip, q, rng.uniform(*INTRA_OFFSETS), load_models(*recipe.codec)
        )
    else:
        predicted = predict_from_x264(clip, q)
    return _crops([predicted[rng.integers(len(predicted))] for _ in range(GROUP)], recipe.crop, rng)


def _crops(chosen: list[Predicted], crop: int, rng: np.random.Generator) -> Crops:
    """A square of each."""
    frames, predictions, before = [], [], []
    for pair in chosen:
        top, left = _place(pair.frame, crop, rng)
        frames.append(flat_crop(pair.frame, top, left, crop))
        predictions.append(flat_crop(pair.prediction, top, left, crop))
        size, cells = crop // 8, np.zeros((96, crop // 8, crop // 8), np.uint8)
        if pair.before is not None:
            cells = pair.before[top // 8 : top // 8 + size, left // 8 : left // 8 + size].transpose(
                2, 0, 1
            )
        before.append(cells)
    q = np.array([pair.q for pair in chosen], np.float32)
    return Crops(np.stack(frames), np.stack(predictions), q, np.stack(before))


def _stills(material: _Material, rng: np.random.Generator) -> Crops | None:
    crop, rows = material.recipe.crop, []
    share = STILL_VIDEOS if material.photos else 1.0
    if material.videos and rng.random() < share:
        clip = read_clip(material.draw_video(rng), 1, crop, rng)
        picture = clip[0] if clip else None
    else:
        picture = to_planes(
            _even(_photo(material, rng, lambda side: side * _log_uniform(STILL_SMALLEST, 1, rng)))
        )
    if picture is None or min(picture[0].shape) < crop:
        return None
    for _ in range(GROUP):
        rows.append(flat_crop(picture, *_place(picture, crop, rng), crop))
    return Crops(np.stack(rows))


def _clip(material: _Material, count: int, rng: np.random.Generator) -> list[Planes] | None:
    """Of a video, or of what is set in motion."""
    recipe, chance = material.recipe, rng.random()
    moving = recipe.moving if material.photos else 0.0
    if material.videos and chance >= moving + recipe.text:
        return read_clip(material.draw_video(rng), count, recipe.crop, rng)
    back = _photo(material, rng, lambda _: rng.uniform(360, 720)) if material.photos else None
    front = back if back is not None and rng.random() < FRONT else None
    if chance < recipe.text or not material.photos:
        back = text_picture(*TEXT_SIZE, rng, back if rng.random() < 0.4 else None)
    elif front is not None:
        back = _photo(material, rng, lambda _: rng.uniform(360, 720))
    assert back is not None
    size = tuple(
        max(recipe.crop, min(side, most) // 16 * 16)
        for side, most in zip(back.shape, WINDOW, strict=False)
    )
    if size[0] > back.shape[0] or size[1] > back.shape[1]:
        return None
    return moving_clip(back, front, count, (size[0], size[1]), rng)


def _photo(
    material: _Material, rng: np.random.Generator, short_side: Callable[[int], float]
) -> NDArray[np.uint8]:
    """Of one in ten of them, with print on it, if `text` allows."""
    picture = read_rgb(material.photos[rng.integers(len(material.photos))], short_side)
    if material.recipe.stills and rng.random() < material.recipe.text:
        return text_picture(
            picture.shape[0], picture.shape[1], rng, picture if rng.random() < 0.5 else None
        )
    return picture


def _place(planes: Planes, crop: int, rng: np.random.Generator) -> tuple[int, int]:
    """Top and left of a square, multiples of 16: motion and latents lie on that grid."""
    top, left = (int(rng.integers(0, (side - crop) // 16 + 1)) * 16 for side in planes[0].shape)
    return top, left


def _even(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return rgb[: rgb.shape[0] // 2 * 2, : rgb.shape[1] // 2 * 2]


def _log_uniform(low: float, high: float, rng: np.random.Generator) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
