"""`streamcodec train data` and `streamcodec train run`."""

from pathlib import Path

import click

from streamcodec.cli.common import prepare, quiet_option

__all__ = ["train"]

ANY = click.Path(path_type=Path)
FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group()
def train() -> None:
    """Train the default models: make data, then run."""


@train.command()
@click.option("--videos", type=ANY, multiple=True, help="Video, folder of frames, or folder with such below. Repeatable.")
@click.option("--photos", type=ANY, multiple=True, help="Photograph, or folder with photographs below. Repeatable.")
@click.option("--out", type=FOLDER, required=True, help="Folder to make. One that was begun is completed.")
@click.option("--count", type=click.IntRange(1), required=True, help="Number of crops.")
@click.option("--stills", is_flag=True, help="Crops alone, for I-frames, in the place of pairs.")
@click.option("--moving", type=click.FloatRange(0, 1), default=0.25, show_default=True, help="Share of photographs in motion.")
@click.option("--text", type=click.FloatRange(0, 1), default=0.08, show_default=True, help="Share of print in motion.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes.")
@quiet_option
def data(
    videos: tuple[Path, ...],
    photos: tuple[Path, ...],
    out: Path,
    count: int,
    stills: bool,
    moving: float,
    text: float,
    seed: int,
    jobs: int,
    quiet: bool,
) -> int:
    """Make training data: crops of frames, each beside its prediction with motion searched on coded references.

    The same options and seed give the same data, with any number of jobs.
    """
    prepare(1)
    from streamcodec.training.data import Recipe, make_pairs

    recipe = Recipe(videos, photos, stills=stills, moving=moving, text=text, seed=seed)
    make_pairs(recipe, out, count, jobs=jobs, report=_silent if quiet else _say)
    return 0


def _say(line: str) -> None:
    print(line, flush=True)


def _silent(line: str) -> None: ...
