"""`streamcodec train data`, `train run` and `train export`."""

from pathlib import Path

import click

from streamcodec.cli.common import say
from streamcodec.cli.options import overwrite_option, quiet_option
from streamcodec.runtime import prepare, require_torch

__all__ = ["train"]

ANY = click.Path(path_type=Path)
FOLDER = click.Path(path_type=Path, file_okay=False)

data_option = click.option(
    "--data",
    type=FOLDER,
    multiple=True,
    required=True,
    help="Folder that `train data` made. Repeatable.",
)


@click.group()
def train() -> None:
    """Train the default models: make data, run, export."""


@train.command()
@click.option(
    "--videos",
    type=ANY,
    multiple=True,
    help="Video, folder of frames, or folder with such below. Repeatable.",
)
@click.option(
    "--photos",
    type=ANY,
    multiple=True,
    help="Photograph, or folder with photographs below. Repeatable.",
)
@click.option(
    "--out", type=FOLDER, required=True, help="Folder to make. One that was begun is completed."
)
@click.option("--count", type=click.IntRange(1), required=True, help="Number of crops.")
@click.option("--stills", is_flag=True, help="Crops alone, for I-frames, in the place of pairs.")
@click.option(
    "--codec",
    type=(ANY, ANY),
    metavar="INTRA INTER",
    help="Weights files that code the references, frame after frame.  [default: x264 does]",
)
@click.option(
    "--moving",
    type=click.FloatRange(0, 1),
    default=0.25,
    show_default=True,
    help="Share of photographs in motion.",
)
@click.option(
    "--text",
    type=click.FloatRange(0, 1),
    default=0.08,
    show_default=True,
    help="Share of print in motion.",
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes.")
@quiet_option
def data(
    videos: tuple[Path, ...],
    photos: tuple[Path, ...],
    out: Path,
    count: int,
    stills: bool,
    codec: tuple[Path, Path] | None,
    moving: float,
    text: float,
    seed: int,
    jobs: int,
    quiet: bool,
) -> int:
    """Make training data: crops of frames, each beside its prediction with motion searched on coded
    references.

    The same options and seed give the same data, with any number of jobs.
    """
    prepare(1)
    from streamcodec.training.data import Recipe, make_pairs

    recipe = Recipe(videos, photos, stills=stills, codec=codec, moving=moving, text=text, seed=seed)
    make_pairs(recipe, out, count, jobs=jobs, report=_silent if quiet else _say)
    return 0


@train.command()
@click.argument("config", type=ANY)
@data_option
@click.option(
    "--out",
    type=FOLDER,
    required=True,
    help="Folder of the run: state and log. A run that it holds goes on.",
)
@click.option(
    "--start",
    type=ANY,
    help="What a new run begins with: a state (state.pt), a weights file, or a model by name (see `models`).",
)
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda, cuda:1, ...")
@click.option(
    "--threads",
    type=click.IntRange(1),
    help="CPU threads of the networks, of each process.  [default: all]",
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Processes that train together, by Ray Train.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0, min_open=True),
    help="Stop after this time; the same command resumes.",
)
@click.option(
    "--tensorboard/--no-tensorboard",
    default=True,
    show_default=True,
    help="Write curves for TensorBoard too.",
)
@quiet_option
def run(
    config: Path,
    data: tuple[Path, ...],
    out: Path,
    start: Path | None,
    device: str,
    threads: int | None,
    workers: int,
    seconds: float | None,
    tensorboard: bool,
    quiet: bool,
) -> int:
    """Train P-frames or I-frames as CONFIG says: a TOML file, or inter, intra, inter-second or
    intra-second.

    Ctrl-C ends the step, saves and exits with 130; started again with the same folders, the run
    goes on as if it had never stopped. When it is killed, no more than save_every steps are lost.
    """
    prepare(threads)
    require_torch("training")
    from streamcodec.training import load_config
    from streamcodec.training import train as train_alone

    settings, report = load_config(config), _silent if quiet else _say
    if start is not None and not start.exists():
        from streamcodec.weights import path_of

        start = path_of(start)
    if workers > 1:
        from streamcodec.pipelines import train_on_workers  # only this needs Ray

        train_on_workers(
            settings,
            data,
            out,
            start,
            workers=workers,
            device=device,
            threads=threads,
            seconds=seconds,
            tensorboard=tensorboard,
            report=report,
        )
        return 0
    ending = train_alone(
        settings,
        data,
        out,
        start,
        device=device,
        seconds=seconds,
        tensorboard=tensorboard,
        report=report,
    )
    return 128 + ending.signal if ending.signal else 0


@train.command()
@click.argument("state", type=ANY)
@data_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="Weights file to write.",
)
@click.option(
    "--batches",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="Batches that activations are seen on.",
)
@click.option("--threads", type=click.IntRange(1), help="CPU threads.  [default: all]")
@overwrite_option
def export(
    state: Path,
    data: tuple[Path, ...],
    out: Path,
    batches: int,
    threads: int | None,
    overwrite: bool,
) -> int:
    """Write the averaged weights of STATE, a run's state.pt, as a weights file: integers that
    `encode` takes."""
    prepare(threads)
    from streamcodec.training import export_state

    weights_id = export_state(state, data, out, batches=batches, overwrite=overwrite)
    _say(f"{out}: weights {weights_id.hex()}")
    return 0


def _say(line: str) -> None:
    say(*line.split("\n"))


def _silent(line: str) -> None: ...
