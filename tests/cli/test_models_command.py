import json
import os
from pathlib import Path
from typing import Any

import pytest

from streamcodec import weights
from streamcodec.cli import run
from streamcodec.codec.dct_weights import load_dct_weights
from streamcodec.models import names

pytestmark = pytest.mark.usefixtures("tiny_models")


def listed(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, dict[str, Any]]:
    assert run(["models", "--json", *options]) == 0
    rows = json.loads(capsys.readouterr().out)
    return {row["name"]: row for row in rows if not row.get("hidden_by")}


def keep(monkeypatch: pytest.MonkeyPatch, *wanted: str) -> None:
    """Have only these installed: to load and count every model of the package takes long."""
    files = weights.available()
    monkeypatch.setattr(weights, "available", lambda: {name: files[name] for name in wanted})


def test_models_at_hand(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(monkeypatch, "dct-inter", "dct-intra", "tiny-image")
    rows = listed(capsys)
    assert list(rows) == ["dct-inter", "dct-intra", "tiny-image"]
    inter, intra, tiny = rows.values()
    assert (inter["codes"], inter["default"], inter["built_in"]) == ("P- and B-frames", True, True)
    assert (intra["codes"], intra["default"], intra["preset"], intra["config"]) == (
        "I-frames",
        True,
        "dct-intra",
        {},
    )
    assert (tiny["codes"], tiny["default"], tiny["built_in"]) == ("I-frames", False, False)
    assert (tiny["preset"], tiny["config"]) == ("mbt2018-mean", {"N": 4, "M": 6})
    for row in rows.values():
        assert 0 < row["decode_kmac_per_pixel"] < row["encode_kmac_per_pixel"] < 20
        assert row["parameters"] > 0
        assert len(bytes.fromhex(row["id"])) == 16
    assert run(["models"]) == 0
    said = capsys.readouterr().out.splitlines()
    (line,) = (number for number, text in enumerate(said) if text.startswith("dct-inter "))
    assert "P- and B-frames, the default" in said[line]
    assert f"{inter['encode_kmac_per_pixel']:.1f}" in said[line]
    assert f"{inter['parameters']:,}" in said[line]
    assert said[line + 1] == f"    id {inter['id']}, built in"


def test_architectures_without_weights(capsys: pytest.CaptureFixture[str]) -> None:
    rows = listed(capsys, "--known")
    assert tuple(rows) == names()
    assert rows["mbt2018-mean"] == {
        "name": "mbt2018-mean",
        "codes": "I-frames",
        "parameters": 7028003,
        "preset": "mbt2018-mean",
        "config": {"N": 128, "M": 192},
    }
    assert run(["models", "--known"]) == 0
    said = capsys.readouterr().out
    assert "kMAC" not in said
    assert "34,209,609" in said


def test_broken_files_are_listed_too(
    tmp_path: Path, tiny_weights: Path, monkeypatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.safetensors").write_bytes(b"nonsense" * 100)
    cut = (tiny_weights / "tiny-intra.safetensors").read_bytes()[:-100]
    (tmp_path / "dct-intra.safetensors").write_bytes(cut)  # in the place of the default
    (tmp_path / "gone.safetensors").symlink_to("nowhere")
    monkeypatch.setenv("STREAMCODEC_WEIGHTS", f"{tmp_path}{os.pathsep}{tiny_weights}")
    keep(monkeypatch, "broken", "dct-intra", "gone", "tiny-inter")
    rows = listed(capsys)
    assert {name for name, row in rows.items() if row["error"]} == {"broken", "dct-intra", "gone"}
    assert rows["tiny-inter"]["codes"] == "P- and B-frames"
    assert "cannot read the weights" in rows["broken"]["error"]
    assert run(["models"]) == 0
    said = capsys.readouterr().out
    assert "broken: CANNOT BE USED; cannot read the weights" in said
    assert "dct-intra: CANNOT BE USED, the default; " in said
    assert "\ntiny-inter " in said
    built_in = load_dct_weights(weights.PACKAGED / "dct-intra.safetensors")
    hidden_by = tmp_path / "dct-intra.safetensors"
    assert f"id {built_in.id.hex()}, built in, hidden by {hidden_by}\n" in said
    assert run(["models", "--json"]) == 0
    behind = [row for row in json.loads(capsys.readouterr().out) if row["hidden_by"]]
    assert [(row["name"], row["default"], row["error"]) for row in behind] == [
        ("dct-intra", False, None)
    ]


def test_a_folder_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STREAMCODEC_WEIGHTS", str(tmp_path / "absent"))
    assert run(["models", "--known"]) == 0
    assert (
        f"warning: STREAMCODEC_WEIGHTS names {tmp_path / 'absent'}, which is not a folder"
        in capsys.readouterr().err
    )
