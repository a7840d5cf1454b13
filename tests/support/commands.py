"""Commands of shell blocks: split, checked against the command line and the tools, and run."""

import ast
import contextlib
import io
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from streamcodec.cli import run
from streamcodec.cli.app import app
from support.documents import ROOT, Block, Chain, is_shown

OPERATORS = set("|<>&;()")
EXIT_CODE = re.compile(r"#.*\bexit code (\d+)")
NEVER_RUN = ("pip", "pipx", "eval")


def commands_in(text: str) -> Iterator[list[str]]:
    """The words of each command; those of a pipeline one after another."""
    for line in text.replace("\\\n", " ").splitlines():
        reader = shlex.shlex(line, posix=True, punctuation_chars=True)
        reader.whitespace_split = True
        words: list[str] = []
        for word in [*reader, "|"]:
            if set(word) <= OPERATORS:
                if words:
                    yield words
                words = []
            else:
                words.append(word)


def is_tool(words: list[str]) -> bool:
    return any(word.removeprefix("./").startswith("tools/") for word in words[:2])


def check_command(words: list[str]) -> None:
    """Raises click.ClickException or AssertionError if a command has options that are not there."""
    if words[0] == "streamcodec":
        _check_own(words[1:])
    elif is_tool(words):
        _check_tool(words)
    elif words[0] == "pip":
        _check_extras(words)


def _check_own(arguments: list[str]) -> None:
    command: click.Command = app
    while isinstance(command, click.Group) and arguments and arguments[0][0] != "-":
        context = click.Context(command)
        name, found, arguments = command.resolve_command(context, arguments)
        assert found is not None, name
        command = found
    if not {"-h", "--help", "--version"} & set(arguments):
        command.make_context("streamcodec", arguments)


def _check_tool(words: list[str]) -> None:
    at = 0 if "tools/" in words[0] else 1
    source = (ROOT / words[at]).read_text(encoding="utf-8")
    missing = [
        word
        for word in words[at + 1 :]
        if word.startswith("--") and word.split("=")[0] not in source
    ]
    assert not missing, f"{words[at]} has no {', '.join(missing)}"


def _check_extras(words: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for word in words:
        named = re.search(r"\[([\w,-]+)\]", word)
        extras = named[1].split(",") if named else []
        unknown = set(extras) - set(project["optional-dependencies"])
        assert not unknown, f"no extra is called {', '.join(unknown)}"


def run_chain(chain: Chain, folder: Path) -> None:
    """Run the blocks of a chain in `folder`, which is the current one; AssertionError where one fails or
    prints something else than is shown. Those that start Ray run in processes of their own.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    imports = "\n".join(imports_of(each.text) for each in chain.before if each.language == "python")
    alone, printed = chain.starts_ray, ""
    for block in chain.blocks:
        if block.language == "sh":
            printed = run_shell(block, folder, alone=alone)
        elif block.language == "python" and alone:
            printed = run_python_alone(block, folder, imports)
        elif block.language == "python":
            printed = run_python(block, names, imports)
        else:
            missed = is_shown(block.text, printed)
            assert missed is None, f"{block}: {missed!r} is not among\n{printed}"


def run_shell(block: Block, folder: Path, *, alone: bool = False) -> str:
    """Run a shell block in `folder`; what it printed on both outputs. AssertionError where a command fails.

    streamcodec's commands run in this process, if nothing else is in the block and it is not to be
    `alone`. A comment `# exit code 3` says how one ends.
    """
    lines = [
        line
        for line in block.text.replace("\\\n", " ").splitlines()
        if any(not _is_only_checked(words) for words in commands_in(line))
    ]
    if not alone and all(map(_is_plain, lines)):
        return "".join(map(_run_here, lines))
    return _run_in_bash("\n".join(map(_with_its_exit_code, lines)), folder)


def _is_only_checked(words: list[str]) -> bool:
    return words[0] in NEVER_RUN or is_tool(words)


def _is_plain(line: str) -> bool:
    reader = shlex.shlex(line, posix=True, punctuation_chars=True)
    reader.whitespace_split = True
    words = list(reader)
    return words[0] == "streamcodec" and not any(set(word) <= OPERATORS for word in words)


def _with_its_exit_code(line: str) -> str:
    """For bash: the line, or where its comment tells an exit code, a test of that."""
    told = EXIT_CODE.search(line)
    if told is None:
        return line
    return f"if {line[: told.start()]}; then false; else [ $? -eq {told[1]} ]; fi"


def _run_here(line: str) -> str:
    [words] = commands_in(line)
    told = EXIT_CODE.search(line)
    with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.redirect_stderr(printed):
        code = run(words[1:])
    assert code == (int(told[1]) if told else 0), f"{line}\nended with {code}\n{printed.getvalue()}"
    return printed.getvalue()


def _run_in_bash(script: str, folder: Path) -> str:
    bin_folder = folder / ".bin"
    bin_folder.mkdir(exist_ok=True)
    for name, command in (("streamcodec", "-m streamcodec"), ("python", "")):
        path = bin_folder / name
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" {command} "$@"\n')
        path.chmod(0o755)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f'PATH="$PWD/.bin:$PATH"\n{script}'],
        cwd=folder,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, f"{script}\nended with {done.returncode}\n{done.stdout}"
    return done.stdout


def run_python(block: Block, names: dict[str, Any], imports: str) -> str:
    """Run a Python block behind `imports`, with and into `names`; what it printed."""
    code = compile("\n" * (block.line - 1) + block.text, str(ROOT / block.page), "exec")
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(imports, names)
        exec(code, names)
    return printed.getvalue()


def run_python_alone(block: Block, folder: Path, imports: str) -> str:
    """The same in a process of its own."""
    (folder / ".block.py").write_text(f"{imports}\n{block.text}", encoding="utf-8")
    return _run_in_bash("python .block.py", folder)


def imports_of(text: str) -> str:
    """The imports at the top level of a Python block."""
    found = [each for each in ast.parse(text).body if isinstance(each, ast.Import | ast.ImportFrom)]
    return "\n".join(map(ast.unparse, found))
