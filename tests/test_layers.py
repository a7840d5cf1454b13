"""An import may go to a lower layer, never up or sideways."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "streamcodec"
LAYERS = {
    "_version": 0,
    "_native": 0,
    "rates": 0,
    "text": 0,
    "errors": 1,
    "types": 2,
    "file_objects": 2,
    "interrupts": 2,
    "files": 3,
    "tracks": 3,
    "runtime": 2,
    "checks": 3,
    "entropy": 3,
    "engine": 3,
    "video": 4,
    "metrics": 4,
    "motion": 4,
    "models": 4,
    "container": 4,
    "codec": 5,
    "weights": 6,
    "stream": 7,
    "training": 7,
    "parts": 8,
    "__init__": 9,
    "cli": 10,
    "__main__": 11,
}
ALLOWED_OUTSIDE = {
    "checks": set(),
    "container": set(),
    "errors": set(),
    "rates": set(),
    "text": set(),
    "tracks": set(),
    "file_objects": set(),
    "files": set(),
    "interrupts": set(),
    "runtime": {"torch"},
    "types": {"numpy"},
    "entropy": {"numpy"},
    "engine": {"torch", "numpy"},
    "models": {"torch", "numpy", "safetensors"},
    "motion": {"numpy"},
    "video": {"av", "numpy", "PIL"},
    "metrics": {"torch", "numpy"},
    "codec": {"torch", "numpy", "safetensors"},
}
NATIVE = {"entropy", "engine", "motion", "container", "codec", "stream", "parts", "training"}
"""Parts that may look into the compiled module."""


def part_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def part_exists(name: str) -> bool:
    on_disk = (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").exists()
    return name == "_native" or (name in LAYERS and on_disk)


def imports_of(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            module = node.module or ""
            whole = module == "streamcodec"
            names.update(
                f"{module}.{alias.name}" if part_exists(alias.name) else f"{module}.__init__"
                for alias in node.names
                if whole
            )
            names.update(() if whole else (module,))
    return names


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down(path: Path) -> None:
    part = part_of(path)
    for name in imports_of(path):
        top, _, rest = name.partition(".")
        assert top != "ray", f"{path} imports ray"
        if top != "streamcodec":
            outside = ALLOWED_OUTSIDE.get(part)
            assert outside is None or top in sys.stdlib_module_names or top in outside, (
                f"{part} may not import {top}"
            )
            continue
        other = rest.split(".")[0] or "__init__"
        assert other != "_native" or part in NATIVE, f"{part} imports the compiled module"
        if other != part:
            assert LAYERS[other] < LAYERS[part], (
                f"{part} (layer {LAYERS[part]}) imports {other} (layer {LAYERS[other]})"
            )


def test_every_part_has_a_layer() -> None:
    assert {part_of(path) for path in sources()} <= set(LAYERS)


@pytest.mark.parametrize(
    "statement",
    ["import streamcodec", "import streamcodec.container", "from streamcodec.cli import main"],
)
def test_light_import_loads_no_heavy_module(statement: str) -> None:
    code = f"{statement}\nimport sys\nprint(sorted({{'torch', 'numpy', 'av', 'cv2', 'PIL', 'ray'}} & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
