"""tools/tune_weights.py."""

import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from streamcodec.codec.dct_weights import read_weights_file
from support.synthetic import write_clip

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "tools" / "tune_weights.py"
WEIGHTS = [
    ROOT / "streamcodec" / "weights" / f"dct-{kind}.safetensors" for kind in ("intra", "inter")
]


def run_tool(clip: Path, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, TOOL, clip, "--weights", *WEIGHTS, "--out", out, *options]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)


def test_factors_of_one_change_nothing_and_others_what_they_name() -> None:
    tool = runpy.run_path(str(TOOL))
    arrays = read_weights_file(WEIGHTS[1])[1]
    bands, factors = tool["bands"](), tool["Factors"]
    ones = (1.0,) * 8
    assert np.bincount(bands).tolist() == [1, 2, 7, 18, 36, 2, 10, 20]
    same = tool["apply"](arrays, factors(ones, ones))
    assert all(np.array_equal(same[name], value) for name, value in arrays.items())

    other = tool["apply"](
        arrays, factors(ones, ones).moved("analysis", 0, 0.5).moved("steps", 7, 2)
    )
    changed = {name for name, value in arrays.items() if not np.array_equal(other[name], value)}
    last = "network.analysis.2"
    assert changed == {f"{last}.weights", f"{last}.bias", "step", "gain"}
    rows = np.flatnonzero((other[f"{last}.weights"] != arrays[f"{last}.weights"]).any((1, 2)))
    assert rows.tolist() == [0]
    steps = np.flatnonzero((other["step"] != arrays["step"]).any(0))
    assert steps.tolist() == np.flatnonzero(bands == 7).tolist()


@pytest.mark.slow
def test_what_it_writes_is_no_worse_and_decodes(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mkv", 6, size=(336, 336))
    out = tmp_path / "new.safetensors"
    done = run_tool(clip, out, "--frames", "2", "--steps", "1.3")
    assert done.returncode == 0, done.stderr
    assert "1 videos, 2 frames each" in done.stdout
    assert float(done.stdout.splitlines()[-1].split(": ")[1].split(" %")[0]) <= 0
    config, arrays = read_weights_file(out)
    assert (config["kind"], arrays["step"].shape) == ("inter", (64, 96))


def test_videos_that_are_too_small_are_an_error(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mkv", 2, size=(64, 48))
    done = run_tool(clip, tmp_path / "new.safetensors")
    assert done.returncode == 2
    assert "no video has 10 frames of 320x320 or more" in done.stderr
    assert not (tmp_path / "new.safetensors").exists()
