"""The pages that are made of the code are up to date."""

from importlib import import_module
from pathlib import Path
from types import ModuleType

import click
import pytest

from support.documents import ROOT, text_of

HOW = "tools/reference/make_reference.py makes it anew"


@pytest.fixture
def reference(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "tools" / "reference"))
    return import_module("make_reference")


@pytest.mark.parametrize("page", ["cli.md", "api.md", "format.md"])
def test_a_page_is_what_the_code_says(reference: ModuleType, page: str) -> None:
    assert text_of(f"docs/{page}") == reference.PAGES[page](), HOW


def test_what_is_out_of_date_is_told_and_made_anew(
    reference: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(reference, "DOCS", tmp_path)
    monkeypatch.setattr(reference, "PAGES", {"cli.md": lambda: "new", "api.md": lambda: "same"})
    (tmp_path / "cli.md").write_text("old")
    (tmp_path / "api.md").write_text("same")
    monkeypatch.setattr("sys.argv", ["make_reference.py", "--check"])
    assert reference.main() == 1
    assert capsys.readouterr().out == "docs/cli.md is not up to date\n"
    assert (tmp_path / "cli.md").read_text() == "old"
    monkeypatch.setattr("sys.argv", ["make_reference.py"])
    assert reference.main() == 0
    assert (tmp_path / "cli.md").read_text() == "new"


def test_an_option_is_told_with_bounds_and_default(reference: ModuleType) -> None:
    row = import_module("commands")._row
    told = click.Option(
        ["-n", "--number"], type=click.IntRange(0, 9), help="How many.  [default: 3]"
    )
    assert row(told) == "| `-n`, `--number N` | How many. (0..9; default 3) |"
    chosen = click.Option(["--kind"], type=click.Choice(["a", "b"]), required=True, help="Which.")
    assert row(chosen) == r"| `--kind a\|b` | Which. (required) |"
    above = click.Option(["--time"], type=click.FloatRange(0, min_open=True), help="When.")
    assert row(above) == "| `--time X` | When. (above 0) |"
