"""`streamcodec transcode SRC... --out DST`: the only command that needs Ray."""

import sys
from contextlib import ExitStack, redirect_stdout
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streamcodec.cli.common import max_pixels_option, parse_seconds, quiet_option, say
from streamcodec.cli.rate import coding_options, target_options, targets
from streamcodec.errors import UsageError
from streamcodec.progress import frames_done
from streamcodec.text import human_bytes

if TYPE_CHECKING:
    from streamcodec.pipelines import Coding

__all__ = ["transcode"]


@click.command()
@click.argument("sources", metavar="SRC...", nargs=-1, required=True)
@click.option(
    "--out",
    required=True,
    metavar="DST",
    help="Folder or URL of the outputs; on several machines one that all of them see.",
)
@click.option(
    "--to",
    type=click.Choice(["ssf", "mp4", "mkv", "mov", "webm", "y4m"]),
    default="ssf",
    show_default=True,
    help="ssf encodes videos; anything else decodes .ssf streams into such files.",
)
@click.option(
    "--name",
    metavar="PATTERN",
    help="Of the outputs: {relative}, {parent}, {stem}, {suffix}, {name}, {hash}.  [default: {relative}.TO]",
)
@click.option(
    "--include",
    multiple=True,
    metavar="GLOB",
    help="Of folders take only files like this; may be repeated.",
)
@click.option(
    "--exclude",
    multiple=True,
    metavar="GLOB",
    help="Leave out files and folders like this; may be repeated.",
)
@click.option(
    "-q",
    "--quality",
    type=click.IntRange(0, 63),
    help="Higher is better and larger.  [default: 32]",
)
@target_options
@coding_options
@click.option(
    "--on-error",
    type=click.Choice(["raise", "stop", "skip"]),
    default="raise",
    show_default=True,
    help="At damage in a video.",
)
@click.option(
    "--hash/--no-hash",
    default=True,
    show_default=True,
    help="Store a hash of every GOP's decoded frames (for `verify`).",
)
@click.option(
    "--psnr",
    is_flag=True,
    help="Measure the quality: PSNR of YUV, weighted 6:1:1; of RGB with models of RGB.",
)
@click.option(
    "--codec",
    help="To decode: FFmpeg's encoder: h264, hevc, ffv1 (lossless, in mkv), ...  [default: H.264]",
)
@click.option(
    "--crf", type=click.FloatRange(0, 63), help="Quality of that encoder; lower is better."
)
@click.option(
    "--on-damage",
    type=click.Choice(["raise", "skip", "conceal"]),
    default="raise",
    show_default=True,
    help="At damage in a stream.",
)
@max_pixels_option
@click.option(
    "--device",
    help="cpu, cuda, ...  [default: cpu for the default models, for others a GPU if the worker has one]",
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    help="Worker processes.  [default: as many as there is room for]",
)
@click.option(
    "--threads-per-worker", "threads", type=click.IntRange(1), default=1, show_default=True,
    help="CPU threads of each. The bytes of a stream depend on it: keep to one number for a dataset.",
)  # fmt: skip
@click.option(
    "--gpus-per-worker",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="0.25: four workers share a GPU.",
)
@click.option(
    "--address", help="Ray cluster: auto, HOST:PORT or ray://HOST:PORT.  [default: this machine]"
)
@click.option(
    "--max-failures",
    type=click.IntRange(0),
    help="Stop when more files than this have failed.  [default: never]",
)
@click.option(
    "--verify",
    is_flag=True,
    help="Check every output: checksums, frame count and times against its input.",
)
@click.option(
    "--verify-gops",
    "check_gops",
    type=click.IntRange(0),
    default=0,
    help="With --verify: decode so many GOPs of each stream too.",
)
@click.option(
    "--force", is_flag=True, help="Do everything again; overwrite outputs that are there."
)
@click.option(
    "--resume/--no-resume",
    default=True,
    show_default=True,
    help="Go on where the last run ended; --no-resume is --force.",
)
@click.option(
    "--retry-failed",
    is_flag=True,
    help="Try again what failed before. (Naming failed.txt as SRC does so too.)",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path),
    help="Folder of manifest and report.  [default: DST/.streamcodec]",
)
@click.option(
    "--task-seconds",
    type=click.FloatRange(0, min_open=True),
    default=20.0,
    show_default=True,
    help="Length of a task to aim at.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Tell what would be done, with sizes and time from samples of a few files.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Write the report as JSON to standard output."
)
@quiet_option
def transcode(
    sources: tuple[str, ...], out: str, dry_run: bool, as_json: bool, quiet: bool, **options: Any
) -> int:
    """Encode a dataset of videos into .ssf streams, or decode streams, on all processors of this machine or on a Ray cluster.

    SRC is a file, a folder, a glob, a list (a .txt file with an input a line, or - for standard input) or a URL (s3://, http://, ...).
    What is done is not done again: stopped or killed, the same command goes on from there.

    Exit codes: 0 all done, 1 failure, 2 usage, 4 some files failed, 130 interrupted.
    """
    listing = {name: options.pop(name) for name in ("name", "include", "exclude", "state")}
    coding, running = _coding(options), _running(options)
    if dry_run:
        return _dry_run(sources, out, coding, listing, running["workers"], quiet=quiet)
    from streamcodec.pipelines.files.layout import Places
    from streamcodec.pipelines.transcoding.manifest.manifest import Manifest
    from streamcodec.pipelines.transcoding.report.progress import show_progress
    from streamcodec.pipelines.transcoding.report.report import print_summary
    from streamcodec.pipelines.transcoding.run import transcode as transcode_all

    places = Places.of(out, listing["state"])
    with ExitStack() as stack:
        if not quiet:
            running["progress"] = stack.enter_context(show_progress())
        stack.enter_context(
            redirect_stdout(sys.stderr)
        )  # Ray prints there what it thinks of workers that died
        summary = transcode_all(list(sources), out, coding=coding, say=_say, **listing, **running)
    if as_json:
        click.echo((places.state / "report.json").read_text(), nl=False)  # JSON is ASCII
    elif not quiet:
        with Manifest.read(places.manifest) as manifest:
            print_summary(summary, manifest)
        say(f"report: {places.state / 'report.html'}")
    return int(summary.exit_code)


def _say(text: str) -> None:
    say(f"streamcodec: {text}", err=True)


def _coding(options: dict[str, Any]) -> "Coding":
    """Build a Coding from the command's options, which are taken out."""
    from streamcodec import EncodeOptions
    from streamcodec.pipelines import Coding

    quality = options.pop("quality")
    goal = targets(
        quality=quality,
        psnr=options.pop("target_psnr"),
        bpp=options.pop("target_bpp"),
        bitrate=options.pop("bitrate"),
    )
    names = [field.name for field in fields(EncodeOptions) if field.name in options]
    settings = {"quality": quality, **goal, **{name: options.pop(name) for name in names}}
    start, duration = (
        parse_seconds(options.pop("start")) or 0.0,
        parse_seconds(options.pop("duration")),
    )
    others = (
        "to",
        "max_frames",
        "on_error",
        "psnr",
        "codec",
        "crf",
        "on_damage",
        "max_pixels",
        "threads",
        "check_gops",
    )
    rest = {name: options.pop(name) for name in others}
    if rest["check_gops"] and not options["verify"]:
        raise UsageError(
            "--verify-gops is given without --verify; accepted: both, or --verify alone"
        )
    encode = EncodeOptions(**{name: value for name, value in settings.items() if value is not None})
    return Coding(options=encode, start_seconds=start, duration_seconds=duration, **rest)


def _running(options: dict[str, Any]) -> dict[str, Any]:
    """The other arguments of `transcode`."""
    from streamcodec.pipelines import SchedulerOptions

    scheduling = SchedulerOptions(
        target_seconds=options.pop("task_seconds"),
        max_failures=options.pop("max_failures"),
        verify=options.pop("verify"),
    )
    forced, resumes = options.pop("force"), options.pop("resume")
    force = forced or not resumes
    return {"scheduling": scheduling, "force": force, **options}


def _dry_run(
    sources: tuple[str, ...],
    out: str,
    coding: "Coding",
    listing: dict[str, Any],
    workers: int | None,
    *,
    quiet: bool,
) -> int:
    from streamcodec.pipelines import estimate

    with frames_done("sample", quiet=quiet) as advance:
        found = estimate(list(sources), out, coding=coding, progress=advance, **listing)
    kept = f", {found.kept} are done" if found.kept else ""
    say(f"{found.files} files to do{kept}, {human_bytes(found.input_bytes)} in")
    if found.seconds is not None and found.output_bytes is not None:
        hours = found.seconds / 3600
        each = f", {hours / workers:.2f} with {workers}" if workers else ""
        say(
            f"about {human_bytes(found.output_bytes)} out, {found.frames} frames, {hours:.2f} hours with one worker like this process{each}"
        )
        say(f"from samples of {found.sampled} files")
    for problem in found.problems:
        say(f"streamcodec: warning: {problem}", err=True)
    return 0
