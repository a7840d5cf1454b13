#!/usr/bin/env python3
"""The reference of the Python API, made of signatures and docstrings.

tools/reference/names.py    # prints it
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import is_dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

from streamcodec import errors

HEAD = """# Python API

Made of the code's signatures and docstrings by `tools/reference/make_reference.py`. [python.md](python.md) shows how the parts go
together, [torch.md](torch.md) the datasets for PyTorch."""
MODULES = {
    "streamcodec": "What most programs need. Importing it loads nothing large; a name is loaded when it is first used.",
    "streamcodec.parts": "",
    "streamcodec.pipelines": "",
}
"""Module -> what is said of it; its own docstring where that is empty."""
LONGEST = 96


def names_page() -> str:
    modules = {name: import_module(name) for name in MODULES}
    rows = [row for name, module in modules.items() for row in _overview(name, module)]
    parts = [HEAD, "\n".join(["| name | |", "|---|---|", *rows])]
    for name, module in modules.items():
        parts += [f"## {name}", _text_of(MODULES[name] or module.__doc__ or "")]
        parts += [_section(key, each) for key, each in _public(module)]
        parts += _errors() if name == "streamcodec" else []
    return "\n\n".join(parts) + "\n"


def _public(module: ModuleType) -> list[tuple[str, Any]]:
    """Functions, then classes, by name; without the errors, which are shown as a tree."""
    names = set(module.__all__) - set(errors.__all__) - {"__version__"}
    found = [(name, getattr(module, name)) for name in names]
    return sorted(found, key=lambda item: (inspect.isclass(item[1]), item[0].lower()))


def _overview(name: str, module: ModuleType) -> Iterator[str]:
    for key, each in _public(module):
        paragraph = (inspect.getdoc(each) or "").partition("\n\n")[0].replace("\n", " ")
        sentence = paragraph.partition(". ")[0].rstrip(".:")
        yield f"| [`{name}.{key}`](#{key.lower()}) | {sentence.replace('|', chr(92) + '|')} |"


def _errors() -> list[str]:
    return ["### Errors", _text_of(errors.__doc__ or "")]


def _section(name: str, each: Any) -> str:
    if not inspect.isclass(each):
        [function] = _parsed(each).body
        return f"### {name}\n\n{_code(_signature(function, name))}\n\n{_text_of(each.__doc__)}"
    parts = [f"### {name}", _code(_head_of(each)), _text_of(each.__doc__ or ""), *_members(each)]
    return "\n\n".join(filter(None, parts))


def _parsed(each: Any) -> ast.Module:
    return ast.parse(textwrap.dedent(inspect.getsource(each)))


def _code(text: str) -> str:
    return f"```pyi\n{text}\n```"


def _text_of(docstring: str | None) -> str:
    """Markdown of a docstring: what is indented becomes a block."""
    parts = []
    for part in inspect.cleandoc(docstring or "").split("\n\n"):
        block = part.startswith(" ")
        parts.append(
            f"```text\n{textwrap.dedent(part)}\n```" if block else part.replace("<", r"\<")
        )
    return "\n\n".join(parts)


def _signature(function: Any, name: str) -> str:
    """As it stands in the code; over several lines if it is long."""
    arguments = list(_arguments(function.args))
    returned = "" if function.returns is None else f" -> {_type(function.returns)}"
    line = f"{name}({', '.join(arguments)}){returned}"
    if len(line) <= LONGEST:
        return line
    return "\n".join([f"{name}(", *(f"    {each}," for each in arguments), f"){returned}"])


def _arguments(args: ast.arguments) -> Iterator[str]:
    plain = [*args.posonlyargs, *args.args]
    defaults = [None] * (len(plain) - len(args.defaults)) + list(args.defaults)
    for argument, default in zip(plain, defaults, strict=True):
        if argument.arg not in ("self", "cls"):
            yield _argument(argument, default)
    if args.vararg or args.kwonlyargs:
        yield f"*{_argument(args.vararg)}" if args.vararg else "*"
    for argument, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        yield _argument(argument, default)
    if args.kwarg:
        yield f"**{_argument(args.kwarg)}"


def _argument(argument: ast.arg, default: ast.expr | None = None) -> str:
    typed = f": {_type(argument.annotation)}" if argument.annotation else ""
    return f"{argument.arg}{typed}{_told(default, bool(typed))}"


def _told(default: ast.expr | None, typed: bool) -> str:
    if default is None:
        return ""
    return f"{' = ' if typed else '='}{ast.unparse(default)}"


def _type(annotation: ast.expr) -> str:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return annotation.value
    return ast.unparse(annotation)


def _homes(each: type) -> Iterator[ast.ClassDef]:
    """The class and those of streamcodec that it is made of, itself first."""
    for base in each.__mro__:
        if base.__module__.startswith("streamcodec"):
            [node] = _parsed(base).body
            assert isinstance(node, ast.ClassDef)
            yield node


def _head_of(each: type) -> str:
    """How it is made: the fields of a dataclass, or the arguments."""
    if is_dataclass(each):
        fields = [line for node in reversed(list(_homes(each))) for line in _fields(node)]
        return "\n".join([f"class {each.__name__}:", *fields])
    for node in _homes(each):
        for function in node.body:
            if isinstance(function, ast.FunctionDef) and function.name == "__init__":
                function.returns = None
                return _signature(function, each.__name__)
    return f"class {each.__name__}"


def _fields(node: ast.ClassDef) -> Iterator[str]:
    for line in node.body:
        if isinstance(line, ast.AnnAssign) and not ast.unparse(line.target).startswith("_"):
            declared = f"{ast.unparse(line.target)}: {_type(line.annotation)}"
            yield f"    {declared}{_told(_default(line), True)}"


def _default(line: ast.AnnAssign) -> ast.expr | None:
    """The value that a field has unless it is given."""
    value = line.value
    if not isinstance(value, ast.Call) or ast.unparse(value.func) not in ("option", "field"):
        return value
    if value.args:
        return value.args[0]
    given = {each.arg: each.value for each in value.keywords}
    made = given.get("default_factory")
    return ast.Call(made, [], []) if made is not None else given.get("default")


def _members(each: type) -> Iterator[str]:
    """A list of the public methods and properties."""
    seen: set[str] = set()
    lines = []
    for node in _homes(each):
        for function in node.body:
            if isinstance(function, ast.FunctionDef) and function.name not in seen:
                seen.add(function.name)
                if not function.name.startswith("_"):
                    lines.append(_member(function))
    yield "\n".join(lines)


def _member(function: ast.FunctionDef) -> str:
    decorators = {ast.unparse(each) for each in function.decorator_list}
    if decorators & {"property", "cached_property", "functools.cached_property"}:
        returned = f": {_type(function.returns)}" if function.returns else ""
        told = f"{function.name}{returned}"
    else:
        told = " ".join(_signature(function, function.name).split())
        told = told.replace("( ", "(").replace(", )", ")")
    text = " ".join(_text_of(ast.get_docstring(function)).split())
    return f"- `{told}`" + (f": {text}" if text else "")


if __name__ == "__main__":
    print(names_page(), end="")
