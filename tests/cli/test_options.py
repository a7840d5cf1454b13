"""Options that are made from fields of dataclasses."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click
import pytest
from click.testing import CliRunner

from streamcodec.cli import run
from streamcodec.cli.app import app
from streamcodec.cli.options import given, options_from, parse_seconds
from streamcodec.errors import UsageError
from streamcodec.option_fields import option, options_in
from streamcodec.pipelines.transcoding.recipe import Coding
from streamcodec.pipelines.transcoding.schedule.options import SchedulerOptions
from streamcodec.stream.options import DecodeOptions, EncodeOptions
from support.processes import printed_by


@dataclass
class Sample:
    plain: str = "x"
    size_bytes: int = option(3, "A size.", least=1, most=9)
    share: float = option(0.5, "A share.", above=0)
    kind: Literal["a", "b"] = option("a", "A kind.", short="-k", alternative=True)
    swapped: bool = option(True, "On.")
    quiet: bool = option(False, "Off.")
    name: str | None = option(None, "A name.", flag="--called", metavar="NAME", default="none")


@click.command()
@options_from(Sample)
def command(**options: Any) -> None:
    click.echo(str(given(options)))


def output_of(*words: str) -> str:
    return CliRunner().invoke(command, words).output


def test_every_declared_field_is_an_option_with_its_default_in_the_help() -> None:
    text = " ".join(output_of("--help").split())
    assert "-k, --kind [a|b] A kind. [default: a]" in text
    assert "--size-bytes INTEGER RANGE A size. [default: 3] [1<=x<=9]" in text
    assert "--share FLOAT RANGE A share. [default: 0.5] [x>0]" in text
    assert "--swapped / --no-swapped On. [default: swapped]" in text
    assert "--called NAME A name. [default: none]" in text
    assert "--plain" not in text
    assert text.index("--kind") < text.index("--size-bytes")


def test_only_what_was_given_is_handed_on() -> None:
    assert output_of() == "{}\n"
    words = ("-k", "b", "--size-bytes", "4", "--no-swapped", "--called", "n")
    assert output_of(*words) == "{'kind': 'b', 'size_bytes': 4, 'swapped': False, 'name': 'n'}\n"


@pytest.mark.parametrize("words", [("--size-bytes", "10"), ("--share", "0"), ("-k", "c")])
def test_values_out_of_bounds_fail(words: tuple[str, ...]) -> None:
    assert "Invalid value" in output_of(*words)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("encode", EncodeOptions),
        ("decode", DecodeOptions),
        ("transcode", EncodeOptions),
        ("transcode", Coding),
        ("transcode", SchedulerOptions),
    ],
)
def test_a_command_has_all_options_of_its_dataclass(name: str, options: type) -> None:
    found = app.get_command(click.Context(app), name)
    assert found is not None
    flags = {flag for each in found.params for flag in each.opts}
    assert {each.flag_of(field) for field, each in options_in(options).items()} <= flags


def test_declared_bounds_are_those_of_the_dataclass() -> None:
    for name, declared in options_in(EncodeOptions).items():
        for bound in (declared.least, declared.most):
            if bound is not None:
                EncodeOptions(**{name: bound})
        if declared.least is not None:
            with pytest.raises(UsageError, match="accepted"):
                EncodeOptions(**{name: declared.least - 1})
        if declared.most is not None:
            with pytest.raises(UsageError, match="accepted"):
                EncodeOptions(**{name: declared.most + 1})


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90.0), ("1:30", 90.0), ("0:01:30.5", 90.5), ("0", 0.0)]
)
def test_times(text: str, seconds: float) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "x", "1:2:3:4", "-1", "inf", "nan"])
def test_other_times_fail(text: str) -> None:
    with pytest.raises(UsageError, match="accepted: seconds, MM:SS or HH:MM:SS"):
        parse_seconds(text)


@pytest.mark.parametrize("name", ["encode", "search", "decode", "verify", "image", "transcode"])
def test_help_loads_no_heavy_module(name: str) -> None:
    code = (
        "import sys\nfrom streamcodec.cli import run\n"
        f"assert run([{name!r}, '--help']) == 0\n"
        "print(sorted({'torch', 'numpy', 'av', 'cv2', 'PIL', 'ray', 'matplotlib'} & set(sys.modules)))"
    )
    assert printed_by(code).splitlines()[-1] == "[]"


def test_play_says_that_it_conceals() -> None:
    help_text = " ".join(CliRunner().invoke(app, ["play", "--help"]).output.split())
    assert "[default: conceal; with --follow raise]" in help_text
    assert "[default: raise]" not in help_text


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--crf", "30"], "--crf given with --to ssf; accepted: with --to a kind of video"),
        (
            ["--to", "mp4", "-q", "30", "--scale", "8x8"],
            "--quality and --scale given with --to mp4",
        ),
    ],
)
def test_transcode_refuses_options_of_the_other_direction(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], said: str
) -> None:
    assert run(["transcode", str(tmp_path), "--out", str(tmp_path / "out"), *more]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
