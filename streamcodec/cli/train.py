"""`streamcodec train CONFIG`."""

from importlib import import_module
from pathlib import Path
from typing import Literal

import click

from streamcodec.cli.common import quiet_option
from streamcodec.errors import UsageError
from streamcodec.runtime import prepare, require_torch

__all__ = ["train"]

FOLDER = click.Path(path_type=Path, file_okay=False)
SOURCES: tuple[Literal["shards", "videos", "vimeo90k"], ...] = ("shards", "videos", "vimeo90k")


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--shards", type=FOLDER, help="Learn from shards of clips (tools/make_shards.py).")
@click.option("--videos", type=FOLDER, help="Learn from all videos below this folder.")
@click.option("--vimeo90k", type=FOLDER, help="Learn from Vimeo-90K's septuplets: the folder of sep_trainlist.txt.")
@click.option("--out", type=FOLDER, required=True, help="Folder of the run: state, log, weights. A run that it holds goes on.")
@click.option("--weights", type=FOLDER, help="Folder of the weights files to start from.")
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda, cuda:1, ...")
@click.option("--threads", type=click.IntRange(1), help="CPU threads of the networks, of each process.  [default: all]")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes that train together, by Ray Train.")
@click.option("--seconds", type=click.FloatRange(0, min_open=True), help="Stop after this time; the same command goes on from there.")
@click.option("--tensorboard/--no-tensorboard", default=True, show_default=True, help="Write curves and pictures for TensorBoard too.")
@quiet_option
def train(
    config: Path,
    out: Path,
    weights: Path | None,
    device: str,
    threads: int | None,
    workers: int,
    seconds: float | None,
    tensorboard: bool,
    quiet: bool,
    **folders: Path | None,
) -> int:
    """Train the default models, or the image model that it names, as CONFIG, a TOML file, says.

    One of --shards, --videos and --vimeo90k is needed. Ctrl-C ends the step, saves and exits with 130; started again with the same
    folders, the run goes on as if it had never stopped. When it is killed, no more than save_every steps are lost.
    """
    given = [(kind, folder) for kind in SOURCES if (folder := folders[kind]) is not None]
    if len(given) != 1:
        raise UsageError(f"{len(given)} folders of clips are given; accepted: one of {', '.join(f'--{kind}' for kind in SOURCES)}")
    prepare(threads)
    require_torch("training")
    from streamcodec.training import Data, load_config
    from streamcodec.training import train as run

    data = Data(*given[0])
    settings = load_config(config)
    report = _silent if quiet else _say
    if workers > 1:
        pipeline = import_module("streamcodec.pipelines.train")  # only this needs Ray
        pipeline.train_on_workers(
            settings, data, out, weights, workers=workers, device=device, threads=threads, seconds=seconds, tensorboard=tensorboard,
            report=report,
        )  # fmt: skip
        return 0
    ending = run(settings, data, out, weights, device=device, seconds=seconds, tensorboard=tensorboard, report=report)
    return 128 + ending.signal if ending.signal else 0


def _say(line: str) -> None:
    print(line, flush=True)


def _silent(line: str) -> None: ...
