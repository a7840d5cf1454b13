"""`streamcodec transcode SRC... --out DST`: the only command that needs Ray."""

import sys
from contextlib import ExitStack, redirect_stdout
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from streamcodec.cli.common import check_inputs, of_command_line, say
from streamcodec.cli.options import (
    address_option,
    encode_settings,
    encoder_options,
    field_option,
    given,
    options_from,
    psnr_option,
    quiet_option,
    range_options,
    source_error_option,
    take,
    workers_option,
)
from streamcodec.errors import UsageError
from streamcodec.option_fields import options_in
from streamcodec.pipelines.transcoding.recipe import Coding
from streamcodec.pipelines.transcoding.schedule.options import SchedulerOptions
from streamcodec.progress import frames_done
from streamcodec.stream.options import DecodeOptions, EncodeOptions
from streamcodec.text import counted, human_bytes, time_text

__all__ = ["transcode"]


@click.command()
@click.argument("sources", metavar="SRC...", nargs=-1, required=True)
@click.option(
    "--out",
    required=True,
    metavar="DST",
    help="Folder or URL of the outputs; on several machines one that all of them see.",
)
@options_from(Coding, "to")
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
@options_from(EncodeOptions, without=("device",))
@range_options("Take")
@source_error_option
@psnr_option
@encoder_options
@options_from(DecodeOptions, "on_damage", "max_pixels")
@field_option(
    EncodeOptions,
    "device",
    default="cpu for the default models, for others a GPU if the worker has one",
)
@workers_option
@options_from(Coding, "threads")
@click.option(
    "--gpus-per-worker",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="0.25: four workers share a GPU.",
)
@address_option
@options_from(SchedulerOptions, "max_failures", "verify")
@options_from(Coding, "check_gops")
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
@options_from(SchedulerOptions, "target_seconds")
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
    """Encode a dataset of videos into .ssf streams, or decode streams, on all processors of this
    machine or on a Ray cluster.

    SRC is a file, a folder, a glob, a list (a .txt file with an input a line, or - for standard
    input) or a URL (s3://, http://, ...). What is done is not done again: stopped or killed, the
    same command resumes.

    Exit codes: 0 all done, 1 failure, 2 usage, 4 some files failed, 130 interrupted.
    """
    check_inputs(sources, patterns=True)
    listing = {name: options.pop(name) for name in ("name", "include", "exclude", "state")}
    coding, running = _coding(options), _running(options)
    if coding.check_gops and not running["scheduling"].verify:
        raise UsageError(
            "--verify-gops is given without --verify; accepted: both, or --verify alone"
        )
    if dry_run:
        return _dry_run(sources, out, coding, listing, running["workers"], quiet=quiet)
    from streamcodec.pipelines.files.layout import Places
    from streamcodec.pipelines.transcoding.manifest.manifest import Manifest
    from streamcodec.pipelines.transcoding.report.progress import show_progress
    from streamcodec.pipelines.transcoding.report.report import print_summary, write_json
    from streamcodec.pipelines.transcoding.run import transcode as transcode_all

    places = Places.of(out, listing["state"])
    with ExitStack() as stack:
        if not quiet:
            running["progress"] = stack.enter_context(show_progress())
        stack.enter_context(
            redirect_stdout(sys.stderr)
        )  # Ray prints there what it thinks of workers that died
        summary = transcode_all(list(sources), out, coding=coding, say=_say, **listing, **running)
    with Manifest.read(places.manifest) as manifest:
        if as_json:
            write_json(manifest, summary, sys.stdout)
        elif not quiet:
            print_summary(summary, manifest, reworded=of_command_line)
            say(f"report: {places.state / 'report.html'}")
    return int(summary.exit_code)


def _say(text: str) -> None:
    say(f"streamcodec: {text}", err=True)


BOTH_WAYS = ("intra", "inter", "device", "audio", "subtitles")
"""Options of `encode` that decoding takes too."""


def _check_direction(settings: dict[str, Any], options: dict[str, Any]) -> None:
    """Refuse what has no effect on files of the kind that is asked for. `settings`: those of EncodeOptions that were given."""
    decodes = options["to"] not in (None, "ssf")
    declared = options_in(EncodeOptions)
    idle = (
        [declared[name].flag_of(name) for name in settings if name not in BOTH_WAYS]
        if decodes
        else [f"--{name}" for name in ("codec", "crf") if options[name] is not None]
    )
    if idle:
        kinds = "ssf" if decodes else "a kind of video, such as mp4"
        raise UsageError(
            f"{' and '.join(idle)} given with --to {options['to'] or 'ssf'}; accepted: with --to {kinds}"
        )


def _coding(options: dict[str, Any]) -> Coding:
    """Build a Coding from the command's options, which are taken out."""
    settings = encode_settings(options)
    _check_direction(settings, options)
    names = [field.name for field in fields(Coding) if field.name in options]
    return Coding(
        options=EncodeOptions(**settings), **given({name: options.pop(name) for name in names})
    )


def _running(options: dict[str, Any]) -> dict[str, Any]:
    """The other arguments of `transcode`."""
    scheduling = SchedulerOptions(**take(options, SchedulerOptions))
    forced, resumes = options.pop("force"), options.pop("resume")
    force = forced or not resumes
    return {"scheduling": scheduling, "force": force, **options}


def _dry_run(
    sources: tuple[str, ...],
    out: str,
    coding: Coding,
    listing: dict[str, Any],
    workers: int | None,
    *,
    quiet: bool,
) -> int:
    from streamcodec.pipelines import estimate

    with frames_done("sample", quiet=quiet) as advance:
        found = estimate(list(sources), out, coding=coding, progress=advance, **listing)
    kept = f", {found.kept} are done" if found.kept else ""
    say(f"{counted(found.files, 'file')} to do{kept}, {human_bytes(found.input_bytes)} in")
    if found.seconds is not None and found.output_bytes is not None and found.frames is not None:
        each = f", {time_text(found.seconds / workers)} with {workers}" if workers else ""
        say(
            f"about {human_bytes(found.output_bytes)} out, {counted(found.frames, 'frame')}, "
            f"{time_text(found.seconds)} with one worker like this process{each}"
        )
        say(f"from samples of {counted(found.sampled, 'file')}")
    for problem in found.problems:
        say(f"streamcodec: warning: {problem}", err=True)
    return 0
