import ast
from pathlib import Path

import streamcodec
from streamcodec import errors

STUB = Path(streamcodec.__file__).with_suffix(".pyi")


def test_public_names_are_those_of_the_stub() -> None:
    found = [
        (node.module, alias.name, alias.asname)
        for node in ast.parse(STUB.read_text()).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    assert sorted(name for _, name, _ in found) == sorted(streamcodec.__all__)
    for module, name, shown_as in found:
        assert shown_as == name
        value = getattr(streamcodec, name)
        assert getattr(value, "__module__", module) == module or module in (
            "streamcodec.codec",
            "streamcodec.container",
        )


def test_unknown_name_fails() -> None:
    assert not hasattr(streamcodec, "nonsense")


def test_errors_have_one_root() -> None:
    for name in errors.__all__:
        kind = getattr(errors, name)
        if isinstance(kind, int):  # an exit code
            continue
        assert issubclass(kind, errors.StreamCodecError)
        assert kind.exit_code in (1, 2, 3)
    assert issubclass(errors.FrameIndexError, IndexError)
    assert issubclass(errors.UsageError, ValueError)
