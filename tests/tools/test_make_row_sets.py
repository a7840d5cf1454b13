"""tools/make_row_sets.py."""

import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from streamcodec.codec.dct_weights import SCALE_ROWS, load_dct_weights
from support.synthetic import write_clip

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "tools" / "make_row_sets.py"
WEIGHTS = [
    ROOT / "streamcodec" / "weights" / f"dct-{kind}.safetensors" for kind in ("intra", "inter")
]


def run_tool(clip: Path, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, TOOL, clip, "--weights", *WEIGHTS, "--out", out, *options]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)


def test_groups_are_found_and_never_cost_more() -> None:
    """Steps of two kinds, mixed: each kind gets a set that fits it."""
    tool = runpy.run_path(str(TOOL))
    rng = np.random.default_rng(0)
    places = tool["NEAR"] + 2
    base, rare, many = (np.geomspace(1, last, places) for last in (1e-6, 1e-12, 1e-3))
    base, rare, many = (np.tile(each / each.sum(), (SCALE_ROWS, 1)) for each in (base, rare, many))
    counts = np.stack([1e5 * (rare, many)[k % 2] for k in range(20)])
    cost, found = tool["group"](base, counts, 3, rng)
    assert cost < 1
    np.testing.assert_array_equal(found[0], base)
    for kind in (rare, many):
        assert np.abs(found[1:] - kind).max((1, 2)).min() < 0.01


def test_a_table_with_its_own_shares_stays_nearly_the_same() -> None:
    tool = runpy.run_path(str(TOOL))
    tables = load_dct_weights(WEIGHTS[1]).tables
    for row in (0, 5, 30, 63):
        usual = tables.table(row)
        made = tool["table_of"](tool["shares"](usual), usual)
        difference = tool["probabilities"](made) - tool["probabilities"](usual)
        assert np.abs(difference).max() < 1e-3


@pytest.mark.slow
def test_what_it_writes_has_sets_and_decodes_as_before(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mkv", 40, size=(600, 600))
    out = tmp_path / "new.safetensors"
    done = run_tool(clip, out, "--clips", "1", "--sets", "2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("64 steps; their symbols take -")
    made, before = load_dct_weights(out), load_dct_weights(WEIGHTS[1])
    assert made.sets == 2
    made.native()
    for row in range(before.first_row_of(1) if before.sets > 1 else before.tables.rows):
        np.testing.assert_array_equal(made.tables.table(row).cdf, before.tables.table(row).cdf)


def test_videos_that_are_too_small_are_an_error(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mkv", 2, size=(64, 48))
    done = run_tool(clip, tmp_path / "new.safetensors", "--clips", "1")
    assert done.returncode == 2
    assert "no video has 17 frames of 320x320 or more" in done.stderr
    assert not (tmp_path / "new.safetensors").exists()
