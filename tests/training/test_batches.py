"""Batches: windows of a pair belong together, rows that are held back are not drawn."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from streamcodec.training.batches import draw_batch, held_batches, open_data
from streamcodec.training.config import Qualities

CROP, COUNT = 64, 20
QUALITIES = Qualities(12.0, 44.0, 3.0, 0.1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Luma tells the column, chroma the row, in units that a window's place can be read from;
    `before` likewise at 1/8. The prediction is the frame + 100, and the last sample of U the
    number of the pair."""
    columns = np.tile(np.arange(CROP, dtype=np.uint8), (CROP, 1))
    rows = np.repeat(np.arange(CROP // 2, dtype=np.uint8)[:, None], CROP // 2, 1)
    one = np.concatenate((columns.ravel(), rows.ravel(), rows.ravel()))
    frames = np.tile(one, (COUNT, 1))
    np.save(tmp_path / "frames.npy", frames)
    np.save(tmp_path / "predictions.npy", frames + 100)
    np.save(tmp_path / "q.npy", np.linspace(15, 40, COUNT, dtype=np.float32))
    cells = np.tile(np.arange(CROP // 8, dtype=np.uint8), (COUNT, 96, CROP // 8, 1))
    np.save(tmp_path / "before.npy", cells)
    (tmp_path / "pairs.json").write_text(json.dumps({"format": 1, "crop": CROP, "count": COUNT}))
    return tmp_path


def test_windows_of_a_pair_belong_together(folder: Path) -> None:
    data = open_data([folder], "inter", 32, 0)
    batch = draw_batch(data, 64, 32, QUALITIES, np.random.default_rng(0))
    assert batch.prediction is not None
    assert batch.before is not None
    assert batch.frame[0].shape == (64, 1, 32, 32)
    assert batch.frame[1].shape == (64, 2, 16, 16)
    assert batch.before.shape == (64, 96, 4, 4)
    torch.testing.assert_close(batch.prediction[0], batch.frame[0] + 100)
    torch.testing.assert_close(batch.prediction[1], batch.frame[1] + 100)
    for luma, cells in zip(batch.frame[0][:, 0], batch.before, strict=True):
        left, right = luma[0, 0].item(), luma[0, -1].item()
        assert {left, right} in [{place, place + 31} for place in (0, 16, 32)]
        torch.testing.assert_close(cells[0, 0], torch.div(luma[0, ::8], 8, rounding_mode="floor"))
    flipped = batch.frame[0][:, 0, 0, 0] > batch.frame[0][:, 0, 0, -1]
    assert 16 < flipped.sum() < 48
    assert set(batch.frame[1][:, 0, 0, 0].tolist()) == {0.0, 8.0, 16.0}


def test_the_quantiser_is_near_that_of_the_pair(folder: Path) -> None:
    data = open_data([folder], "inter", 64, 0)
    rng = np.random.default_rng(0)
    near = draw_batch(data, 200, 64, Qualities(12.0, 44.0, 3.0, 0.0), rng).q
    assert near.min() >= 12
    assert near.max() <= 43
    still = draw_batch(open_data([folder], "intra", 64, 0), 200, 64, QUALITIES, rng)
    assert still.prediction is None
    assert still.q.min() < 14
    assert still.q.max() > 42


def test_held_rows_are_not_drawn(folder: Path) -> None:
    data = open_data([folder], "inter", 64, 3)
    assert (data.held, data.drawn) == ((3,), 17)
    rng = np.random.default_rng(0)
    exact = Qualities(12.0, 44.0, 0.0, 0.0)
    drawn = {round(q, 3) for q in draw_batch(data, 400, 64, exact, rng).q.tolist()}
    held = {round(q, 3) for batch in held_batches(data, exact) for q in batch.q.tolist()}
    assert len(drawn) == 17
    assert len(held) == 3
    assert not drawn & held


def test_no_more_than_a_quarter_is_held(folder: Path) -> None:
    assert open_data([folder, folder], "inter", 64, 100).held == (5, 5)
