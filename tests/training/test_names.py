"""Configs and weights by name."""

from pathlib import Path

import pytest

from streamcodec.cli import run
from streamcodec.errors import ModelError, UsageError
from streamcodec.training.config import NAMED, TrainConfig, load_config
from streamcodec.weights import DEFAULT_INTER, available, path_of


@pytest.mark.parametrize("name", NAMED)
def test_configs_have_names(name: str) -> None:
    config = load_config(Path(name))
    assert isinstance(config, TrainConfig)
    assert name.startswith(config.kind)


def test_a_file_of_that_name_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("inter").write_text('kind = "intra"\nsteps = 3\n')
    assert load_config(Path("inter")).kind == "intra"


def test_other_names_fail(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="accepted: a TOML file, or inter, intra"):
        load_config(tmp_path / "inter.toml")


def test_weights_have_names() -> None:
    assert path_of(DEFAULT_INTER) == available()[DEFAULT_INTER]
    with pytest.raises(ModelError, match="no weights for model 'dct-outer'"):
        path_of("dct-outer")


def test_unknown_start_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["train", "run", "inter", "--data", str(tmp_path), "--out", str(tmp_path / "run")]
    assert run([*command, "--start", "dct-outer"]) == 1
    assert "no weights for model 'dct-outer'" in capsys.readouterr().err
