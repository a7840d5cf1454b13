"""The group of commands. A command's module is imported when it is used, so that `info` starts
fast."""

from importlib import import_module

import click

from streamcodec._version import __version__

COMMANDS = (
    "encode",
    "search",
    "decode",
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
)


class LazyGroup(click.Group):
    """Commands by name: `streamcodec.cli.<name>` holds a click command called `<name>`, with _ for
    every -."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command = getattr(import_module(f"streamcodec.cli.{name}"), name)
        assert isinstance(command, click.Command)
        return command


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, prog_name="streamcodec")
def app() -> None:
    """A neural video codec: real videos in, .ssf streams out, and the same videos back.

    Exit codes: 0 ok, 1 failure, 2 usage, 3 corrupt or unsupported stream, 4 some files of several
    failed, 130 interrupted, 143 told to end.
    """
