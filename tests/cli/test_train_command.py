"""`streamcodec train`: what it takes, what it refuses, and what is left of a run that was killed."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from streamcodec.cli import run

CONFIG = """
kind = "inter"
steps = {steps}
batch = 1
crop = 32
held = 2
log_every = 1
save_every = 2
widths = {{synthesis = 8, analysis = 8, features = 8, blocks = 1}}
"""


def write_config(folder: Path, steps: int) -> str:
    path = folder / "config.toml"
    path.write_text(CONFIG.format(steps=steps))
    return str(path)


@pytest.fixture
def pairs(tmp_path: Path) -> str:
    folder = tmp_path / "pairs"
    folder.mkdir()
    frames = np.random.default_rng(0).integers(0, 256, (8, 48 * 48 * 3 // 2), np.uint8)
    np.save(folder / "frames.npy", frames)
    np.save(folder / "predictions.npy", frames)
    np.save(folder / "q.npy", np.full(8, 30, np.float32))
    (folder / "pairs.json").write_text(json.dumps({"format": 1, "crop": 48, "count": 8}))
    return str(folder)


@pytest.mark.slow
def test_data_is_made_and_learned_from(
    tmp_path: Path, synthetic: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("kornia", reason="kornia is not installed")
    synthetic.write_clip(tmp_path / "clip.mp4", 5, size=(240, 208))
    made, out = tmp_path / "made", tmp_path / "run"
    arguments = [
        "train",
        "data",
        "--videos",
        str(tmp_path / "clip.mp4"),
        "--out",
        str(made),
        "--count",
        "6",
        "--text",
        "0",
    ]
    assert run(arguments) == 0
    assert capsys.readouterr().out == "6 of 6 crops\n"
    assert (
        run(
            [
                "train",
                "run",
                write_config(tmp_path, 3),
                "--data",
                str(made),
                "--out",
                str(out),
                "--no-tensorboard",
            ]
        )
        == 0
    )
    said = capsys.readouterr().out
    assert "inter training of" in said
    assert "on 5 crops (made: 6), 1 held" in said
    assert "step 3/3" in said
    assert "done after step 3" in said
    assert not (out / "tensorboard").exists()


def test_quiet_run_says_nothing(
    tmp_path: Path, pairs: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "train",
        "run",
        write_config(tmp_path, 1),
        "--data",
        pairs,
        "--out",
        str(tmp_path / "run"),
    ]
    assert run([*arguments, "--no-tensorboard", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_ended_run_goes_on(tmp_path: Path, pairs: str, number: signal.Signals) -> None:
    out = tmp_path / "run"
    arguments = [
        "train",
        "run",
        write_config(tmp_path, 100_000),
        "--data",
        pairs,
        "--out",
        str(out),
        "--threads",
        "1",
        "--no-tensorboard",
    ]
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "streamcodec", *arguments], stdout=subprocess.PIPE
    ) as process:
        while not (out / "state.pt").exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(number)
        process.communicate()
    assert process.returncode == (130 if number == signal.SIGINT else -signal.SIGKILL)
    logged = rows_of(out)[-1]["step"]
    assert run([*arguments, "--seconds", "0.5", "--quiet"]) == 0
    steps = [row["step"] for row in rows_of(out)]
    assert steps == list(range(1, len(steps) + 1))
    assert len(steps) > logged - (0 if number == signal.SIGINT else 2)


def rows_of(out: Path) -> list[dict[str, int]]:
    lines = (out / "log.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines if line.endswith("}")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--data", "nothing"],
            "nothing is not a folder of pairs (streamcodec train data): it has no pairs.json\n",
        ),
        ([], "Missing option '--data'"),
    ],
)
def test_data_that_is_missing_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert (
        run(["train", "run", write_config(tmp_path, 1), "--out", str(tmp_path / "run"), *arguments])
        == 2
    )
    assert message in capsys.readouterr().err


def test_sources_that_are_missing_fail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        run(
            [
                "train",
                "data",
                "--videos",
                str(tmp_path / "none"),
                "--out",
                str(tmp_path / "out"),
                "--count",
                "4",
            ]
        )
        == 2
    )
    assert "none does not exist" in capsys.readouterr().err


def test_bad_config_fails(tmp_path: Path, pairs: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        run(
            [
                "train",
                "run",
                str(tmp_path / "none.toml"),
                "--data",
                pairs,
                "--out",
                str(tmp_path / "run"),
            ]
        )
        == 2
    )
    assert (
        "none.toml: No such file or directory; accepted: a TOML file, or inter,"
        in capsys.readouterr().err
    )


def test_workers_without_ray_fail(
    tmp_path: Path, pairs: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "streamcodec.pipelines.train", raising=False)
    arguments = ["--data", pairs, "--out", str(tmp_path / "run"), "--workers", "2"]
    assert run(["train", "run", write_config(tmp_path, 1), *arguments]) == 2
    assert "pip install 'streamcodec[ray]'" in capsys.readouterr().err
