"""The group of commands. A command's module is imported when it is used, so that `info` starts
fast."""

from difflib import get_close_matches
from importlib import import_module

import click

from streamcodec._version import __version__
from streamcodec.cli.common import say

COMMANDS = (
    "encode",
    "search",
    "decode",
    "play",
    "image",
    "info",
    "verify",
    "repair",
    "cut",
    "concat",
    "models",
    "import-checkpoint",
    "train",
    "transcode",
    "evaluate",
    "compare",
)
FOLDERS = {"repair": "editing", "cut": "editing", "concat": "editing"}
"""Of commands whose module is not in this folder."""


class LazyGroup(click.Group):
    """Commands by name: `streamcodec.cli.<name>`, or a module of that name in one of FOLDERS, holds a
    click command called `<name>`, with _ for every -."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        home = ".".join(filter(None, ("streamcodec.cli", FOLDERS.get(cmd_name), name)))
        command = getattr(import_module(home), name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = get_close_matches(args[0], COMMANDS)
            meant = (
                f"did you mean {' or '.join(near)}?" if near else f"accepted: {', '.join(COMMANDS)}"
            )
            ctx.fail(f"no command is called {args[0]!r}; {meant}")
        return super().resolve_command(ctx, args)


def _show_version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if not asked:
        return
    say(f"streamcodec, version {__version__}")
    if ctx.params.get("verbose"):
        facts = _about()
        width = max(map(len, facts)) + 2
        say(*(f"{name:<{width}}{fact}" for name, fact in facts.items()))
    ctx.exit()


def _about() -> dict[str, str]:
    """What belongs into a report of a bug: name -> version or value. PyTorch is not imported."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    import av

    from streamcodec import _native
    from streamcodec.container.format import VERSION
    from streamcodec.weights import DEFAULT_INTER, DEFAULT_INTRA, load_model

    try:
        torch = version("torch")
    except PackageNotFoundError:
        torch = "not installed"
    models = {name: load_model(name).id.hex() for name in (DEFAULT_INTRA, DEFAULT_INTER)}
    return {
        "format": f".ssf {VERSION[0]}.{VERSION[1]}",
        **{f"model {name}": model_id for name, model_id in models.items()},
        "FFmpeg": f"{av.ffmpeg_version_info} (PyAV {av.__version__})",
        "NumPy": version("numpy"),
        "PyTorch": torch,
        "Python": f"{platform.python_version()}, {platform.platform()}",
        "instructions": f"{_native.instruction_set()} (of {', '.join(_native.instruction_sets())})",
    }


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.option(
    "-v",
    "--verbose",
    is_flag=True,
    is_eager=True,
    help="With --version: the format, the models and the libraries too.",
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
def app(verbose: bool) -> None:
    """A neural video codec: real videos in, .ssf streams out, and the same videos back.

    Exit codes: 0 ok, 1 failure, 2 usage, 3 corrupt or unsupported stream, 4 some files of several
    failed, 130 interrupted, 143 told to end.
    """
