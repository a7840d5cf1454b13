"""`streamcodec train`: what it takes, what it refuses, and what is left of a run that was killed."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from streamcodec.cli import run
from streamcodec.models import load_checkpoint

CONFIG = """
stage = "joint"
steps = {steps}
image_start = "fresh"
flow_start = "fresh"
image_batch = 1
flow_batch = 1
chains = 2
crop = 32
gain_rows = 3
log_every = 1
save_every = 2
image = {{width4 = 8, width8 = 8, latent = 8, hyper = 8}}
flow = {{width4 = 8, width8 = 8, latent = 8, hyper = 8, motion_width4 = 8, motion_latent = 8, motion_hyper = 8}}
"""


def write_config(folder: Path, steps: int) -> str:
    path = folder / "config.toml"
    path.write_text(CONFIG.format(steps=steps))
    return str(path)


@pytest.fixture
def shards(tmp_path: Path) -> str:
    folder = tmp_path / "shards"
    folder.mkdir()
    np.save(folder / "0.frames.npy", np.random.default_rng(0).integers(0, 256, (3, 4, 3, 32, 32), np.uint8))
    np.save(folder / "0.flows.npy", np.zeros((3, 2, 4, 2, 8, 8), np.float16))
    return str(folder)


def test_run_is_logged_and_leaves_weights(tmp_path: Path, shards: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    assert run(["train", write_config(tmp_path, 3), "--shards", shards, "--out", str(out), "--no-tensorboard"]) == 0
    said = capsys.readouterr().out
    assert "joint training of the default models on 3 clips" in said
    assert "step 3/3" in said
    assert "steps/s" in said
    assert "done after step 3" in said
    for name in ("quarter-image", "quarter-flow"):
        load_checkpoint(out / f"{name}.safetensors").model.tables()
    assert not (out / "tensorboard").exists()


def test_quiet_run_says_nothing(tmp_path: Path, shards: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["train", write_config(tmp_path, 1), "--shards", shards, "--out", str(tmp_path / "run"), "--no-tensorboard", "--quiet"]
    assert run(arguments) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_ended_run_goes_on(tmp_path: Path, shards: str, number: signal.Signals) -> None:
    out = tmp_path / "run"
    arguments = ["train", write_config(tmp_path, 100_000), "--shards", shards, "--out", str(out), "--threads", "1"]
    with subprocess.Popen([sys.executable, "-m", "streamcodec", *arguments], stdout=subprocess.PIPE) as process:
        deadline = time.monotonic() + 300
        while not (out / "state.pt").exists() and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(number)
        process.communicate()
    assert process.returncode == (130 if number == signal.SIGINT else -signal.SIGKILL)
    logged = rows_of(out)[-1]["step"]
    assert run([*arguments, "--seconds", "0.01", "--no-tensorboard", "--quiet"]) == 0
    steps = [row["step"] for row in rows_of(out)]
    assert steps == list(range(1, len(steps) + 1))
    assert len(steps) > logged - (0 if number == signal.SIGINT else 2)
    assert (out / "quarter-flow.safetensors").exists()


def rows_of(out: Path) -> list[dict[str, int]]:
    lines = (out / "log.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines if line.endswith("}")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "0 folders of clips are given; accepted: one of --shards, --videos, --vimeo90k"),
        (["--shards", "a", "--videos", "b"], "2 folders of clips"),
        (["--shards", "nothing"], "no shards"),
        (["--videos", "nothing"], "no videos in nothing"),
        (["--vimeo90k", "nothing"], "cannot read nothing"),
    ],
)
def test_folders_that_do_not_fit_fail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["train", write_config(tmp_path, 1), "--out", "run", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_bad_config_fails(tmp_path: Path, shards: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", str(tmp_path / "none.toml"), "--shards", shards, "--out", str(tmp_path / "run")]) == 2
    assert "cannot read the training config" in capsys.readouterr().err


def test_workers_without_ray_fail(tmp_path: Path, shards: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "streamcodec.pipelines.train", raising=False)
    assert run(["train", write_config(tmp_path, 1), "--shards", shards, "--out", str(tmp_path / "run"), "--workers", "2"]) == 2
    assert "pip install 'streamcodec[ray]'" in capsys.readouterr().err
