"""An import may go to a lower layer, never up or sideways."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from support.processes import printed_by

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "streamcodec"
PIPELINES = ROOT / "pipelines"  # installed as streamcodec.pipelines
LAYERS = {
    "_version": 0,
    "_native": 0,
    "rates": 0,
    "text": 0,
    "option_fields": 0,
    "errors": 1,
    "types": 2,
    "file_objects": 2,
    "identity": 2,
    "interrupts": 2,
    "progress": 2,
    "remote": 3,
    "files": 4,
    "tracks": 4,
    "runtime": 2,
    "checks": 4,
    "quality": 4,
    "entropy": 4,
    "engine": 4,
    "video": 5,
    "metrics": 5,
    "motion": 5,
    "models": 5,
    "container": 5,
    "codec": 6,
    "weights": 7,
    "stream": 8,
    "training": 8,
    "editing": 9,
    "parts": 9,
    "__init__": 10,
    "pipelines": 11,
    "cli": 12,
    "__main__": 13,
}
PIPELINE_LAYERS = {
    "cluster": 0,
    "files": 0,
    "pages": 0,
    "plots": 0,
    "comparing": 1,
    "evaluation": 1,
    "reading": 1,
    "train": 1,
    "transcoding.messages": 1,
    "transcoding.manifest": 2,
    "transcoding.schedule": 3,
    "transcoding.report": 4,
    "transcoding": 5,
    "__init__": 6,
}
"""Folders and modules of pipelines/."""
LAZY = ("__init__.py", "app.py")
"""Files that import by names that they list: public names and commands, which tests import all."""
ALLOWED_OUTSIDE = {
    "checks": set(),
    "quality": set(),
    "container": set(),
    "errors": set(),
    "rates": set(),
    "text": set(),
    "option_fields": set(),
    "tracks": set(),
    "file_objects": set(),
    "remote": {"fsspec"},
    "files": set(),
    "interrupts": set(),
    "progress": {"rich"},
    "runtime": {"torch"},
    "types": {"numpy"},
    "entropy": {"numpy"},
    "engine": {"torch", "numpy"},
    "models": {"torch", "numpy", "safetensors"},
    "motion": {"numpy"},
    "video": {"av", "numpy", "PIL"},
    "metrics": {"torch", "numpy", "scipy"},
    "codec": {"torch", "numpy", "safetensors"},
}
NATIVE = {
    *("entropy", "engine", "motion", "container", "codec", "stream", "parts", "training"),
    "cli",  # which shows the instruction set
}
"""Parts that may look into the compiled module."""


def module_of(path: Path) -> str:
    """streamcodec.files, streamcodec.pipelines.files.sources, streamcodec.cli.__init__."""
    return "streamcodec." + ".".join(
        path.relative_to(PACKAGE if path.is_relative_to(PACKAGE) else ROOT).with_suffix("").parts
    )


def part_of(path: Path) -> str:
    return module_of(path).split(".")[1]


def pipeline_part(module: str) -> str:
    """The folder or module of pipelines/ that `streamcodec.pipelines...` is in."""
    names = module.split(".")[2:]
    for part in (".".join(names[:2]), ".".join(names[:1])):
        if part in PIPELINE_LAYERS:
            return part
    return "__init__"


def part_exists(name: str) -> bool:
    if name in ("_native", "pipelines"):
        return True
    on_disk = (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").exists()
    return name in LAYERS and on_disk


@cache
def imports_of(path: Path) -> set[str]:
    """Absolute names of what is imported anywhere in a file, also by text."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.update(_imported_from(path, node))
        elif isinstance(node, ast.Call) and _name(node.func) == "import_module":
            names.update(_imported_by_text(path, node))
    return names


def _name(function: ast.expr) -> str:
    """The last of a dotted name."""
    return str(getattr(function, "attr", getattr(function, "id", "")))


def _imported_from(path: Path, node: ast.ImportFrom) -> set[str]:
    module = node.module or ""
    if node.level:
        assert path.is_relative_to(PIPELINES), f"{path}: imports are absolute"
        above = module_of(path).split(".")[: -node.level]
        module = ".".join([*above, *([module] if module else [])])
    if module != "streamcodec":
        return {module}
    return {
        f"{module}.{alias.name}" if part_exists(alias.name) else f"{module}.__init__"
        for alias in node.names
    }


def _imported_by_text(path: Path, node: ast.Call) -> set[str]:
    if path.name in LAZY:
        return set()
    text = node.args[0]
    assert isinstance(text, ast.Constant), (
        f"{path}:{node.lineno}: nobody can tell what this imports"
    )
    return {str(text.value)}


def sources() -> list[Path]:
    return sorted([*PACKAGE.rglob("*.py"), *PIPELINES.rglob("*.py")])


def wrong_imports(path: Path) -> Iterator[str]:
    """What is wrong with the imports of a file."""
    part = part_of(path)
    for name in imports_of(path):
        top, _, rest = name.partition(".")
        if top == "ray" and part != "pipelines":
            yield "ray is for pipelines"
        if top != "streamcodec":
            outside = ALLOWED_OUTSIDE.get(part)
            if not (outside is None or top in sys.stdlib_module_names or top in outside):
                yield f"{part} may not import {top}"
            continue
        other = rest.split(".")[0] or "__init__"
        if other == "_native" and part not in NATIVE:
            yield f"{part} imports the compiled module"
        if other != part:
            if LAYERS[other] >= LAYERS[part]:
                yield f"{part} (layer {LAYERS[part]}) imports {other} (layer {LAYERS[other]})"
        elif part == "pipelines":
            here, there = pipeline_part(module_of(path)), pipeline_part(name)
            if here != there and PIPELINE_LAYERS[there] >= PIPELINE_LAYERS[here]:
                yield f"{here} may not import {name}"


def test_imports_go_down() -> None:
    wrong = {str(path.relative_to(ROOT)): [*wrong_imports(path)] for path in sources()}
    assert wrong
    assert {path: imports for path, imports in wrong.items() if imports} == {}


def test_modules_of_pipelines_import_each_other_in_one_direction() -> None:
    files = {module_of(path): path for path in PIPELINES.rglob("*.py")}
    graph = {module: imports_of(path) & set(files) for module, path in files.items()}
    assert list(TopologicalSorter(graph).static_order()), "a cycle raises CycleError"


def test_every_part_has_a_layer() -> None:
    assert {part_of(path) for path in sources()} <= set(LAYERS)


@pytest.mark.parametrize(
    "statement",
    ["import streamcodec", "import streamcodec.container", "from streamcodec.cli import main"],
)
def test_light_import_loads_no_heavy_module(statement: str) -> None:
    code = f"{statement}\nimport sys\nprint(sorted({{'torch', 'numpy', 'av', 'cv2', 'PIL', 'ray'}} & set(sys.modules)))"
    assert printed_by(code).strip() == "[]"
