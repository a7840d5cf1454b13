#!/usr/bin/env python3
"""The reference of the command line, made of click's commands.

tools/reference/commands.py    # prints it
"""

import re
from collections.abc import Iterator
from inspect import cleandoc

import click

from streamcodec.cli.app import app

HEAD = """# Command line

Made of the commands by `tools/reference/make_reference.py`; `streamcodec COMMAND --help` says the same.
[inputs-and-outputs.md](inputs-and-outputs.md) has files, pipes, URLs, pictures and exit codes."""


def commands_page() -> str:
    return "\n\n".join([HEAD, _overview(), *_sections(app, "streamcodec")]) + "\n"


def _leaves(group: click.Group, name: str) -> Iterator[tuple[str, click.Command]]:
    """All commands that do something, by their whole names."""
    for below in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), below)
        assert command is not None
        if isinstance(command, click.Group):
            yield from _leaves(command, f"{name} {below}")
        else:
            yield f"{name} {below}", command


def _overview() -> str:
    rows = [
        f"| [`{name}`](#{name.replace(' ', '-')}) | {_help(command).split(chr(10))[0]} |"
        for name, command in _leaves(app, "streamcodec")
    ]
    return "\n".join(["| command | |", "|---|---|", *rows])


def _sections(group: click.Group, name: str) -> Iterator[str]:
    yield f"## {name}\n\n{_options(group)}"
    for whole, command in _leaves(group, name):
        usage = " ".join([whole, *command.collect_usage_pieces(click.Context(command))])
        yield f"## {whole}\n\n```text\n{usage}\n```\n\n{_help(command)}\n\n{_options(command)}"


def _help(command: click.Command) -> str:
    """What the command says of itself, a paragraph a line."""
    text = cleandoc(command.help or "").replace("\b\n", "")
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def _options(command: click.Command) -> str:
    rows = [_row(each) for each in command.params if isinstance(each, click.Option)]
    return "\n".join(["| option | |", "|---|---|", *rows])


def _row(option: click.Option) -> str:
    names = sorted(option.opts, key=len)
    names[-1] += "" if option.is_flag else f" {_value(option)}"
    flags = ", ".join(f"`{name}`" for name in [*names, *option.secondary_opts])
    text = " ".join((option.help or "").split())
    default = re.search(r"\[default: (.*)\]", text)
    told = text[: default.start()].strip() if default else text
    notes = [note for note in (_bounds(option.type), _default(option, default)) if note]
    notes = ["required", *notes] if option.required else notes
    noted = f" ({'; '.join(notes)})" if notes else ""
    return f"| {flags} | {_cell(told + noted)} |"


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("<", r"\<").replace("{", r"\{")


def _value(option: click.Option) -> str:
    if option.metavar:
        return option.metavar
    kind = option.type
    if isinstance(kind, click.Choice):
        return r"\|".join(map(str, kind.choices))
    number = {click.types.IntParamType: "N", click.types.FloatParamType: "X"}
    return next(
        (word for each, word in number.items() if isinstance(kind, each)), kind.name.upper()
    )


def _bounds(kind: click.ParamType) -> str:
    if not isinstance(kind, click.IntRange | click.FloatRange):
        return ""
    least = None if kind.min is None else f"{'above' if kind.min_open else 'from'} {kind.min}"
    if kind.max is None:
        return least or ""
    return f"{kind.min}..{kind.max}" if least else f"to {kind.max}"


def _default(option: click.Option, told: re.Match[str] | None) -> str:
    if told:
        return f"default {told[1]}"
    return f"default {option.default}" if option.show_default and option.default else ""


if __name__ == "__main__":
    print(commands_page(), end="")
