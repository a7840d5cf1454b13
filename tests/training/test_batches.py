"""Batches: windows of a pair belong together, rows that are held back are not drawn."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from streamcodec.models.dct.transforms import forward_dct
from streamcodec.training.batches import (
    CONTRASTS,
    GREY,
    OCTAVE,
    draw_batch,
    held_batches,
    open_data,
)
from streamcodec.training.config import Qualities

CROP, COUNT = 64, 20
QUALITIES = Qualities(12.0, 44.0, 3.0, 0.1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Noise, and the prediction is the negative of the frame; `before` are the frame's own
    coefficients, so that what a view does to one can be compared with what it does to the other."""
    rng = np.random.default_rng(0)
    frames = rng.integers(100, 156, (COUNT, CROP * CROP * 3 // 2), dtype=np.uint8)
    np.save(tmp_path / "frames.npy", frames)
    np.save(tmp_path / "predictions.npy", 255 - frames)
    np.save(tmp_path / "q.npy", np.linspace(20, 40, COUNT, dtype=np.float32))
    planes = torch.from_numpy(frames).float().split((CROP * CROP, CROP * CROP // 2), 1)
    luma = planes[0].view(COUNT, 1, CROP, CROP) - GREY
    chroma = planes[1].view(COUNT, 2, CROP // 2, CROP // 2) - GREY
    cells = forward_dct((luma, chroma)).abs().round().clamp_max(255).to(torch.uint8)
    np.save(tmp_path / "before.npy", cells.numpy())
    (tmp_path / "pairs.json").write_text(json.dumps({"format": 1, "crop": CROP, "count": COUNT}))
    return tmp_path


def test_windows_of_a_pair_belong_together_in_all_views(folder: Path) -> None:
    data = open_data([folder], "inter", 32, 0)
    exact = Qualities(12.0, 44.0, 0.0, 0.0)
    batch = draw_batch(data, 300, 32, exact, np.random.default_rng(0))
    assert batch.prediction is not None
    assert batch.before is not None
    assert batch.frame[0].shape == (300, 1, 32, 32)
    assert batch.frame[1].shape == (300, 2, 16, 16)
    assert batch.before.shape == (300, 96, 4, 4)
    numbers = (batch.q - 20) / (20 / (COUNT - 1))
    plain = (numbers - numbers.round()).abs() < 1e-4
    assert 0.35 < plain.float().mean() < 0.7, "about half keep their contrast"
    for frame, prediction in zip(batch.frame, batch.prediction, strict=True):
        torch.testing.assert_close(
            frame[plain] + prediction[plain], torch.full_like(frame, 255)[plain]
        )
    seen = forward_dct((batch.frame[0] - GREY, batch.frame[1] - GREY)).abs()
    torch.testing.assert_close(seen[plain], batch.before[plain], rtol=0, atol=0.51)
    ratio = (seen * batch.before).sum((1, 2, 3)) / batch.before.square().sum((1, 2, 3))
    assert ratio.min() > CONTRASTS[0] - 0.01
    assert ratio.max() < CONTRASTS[1] + 0.01
    torch.testing.assert_close(seen, batch.before * ratio[:, None, None, None], rtol=0, atol=0.7)
    finer = ((batch.q - OCTAVE * ratio.log2() - 20) / (20 / (COUNT - 1))).sub(0.5).frac()
    assert (finer.abs() - 0.5).abs().max() < 0.02, "the quantiser follows the contrast"


def test_each_view_is_drawn_about_as_often(folder: Path) -> None:
    data = open_data([folder], "intra", CROP, 0)
    batch = draw_batch(data, 400, CROP, QUALITIES, np.random.default_rng(1))
    rows = np.load(folder / "frames.npy")[:, : CROP * CROP].reshape(COUNT, CROP, CROP)
    first = {}
    for number, row in enumerate(rows):
        for turn in range(8):
            view = np.rot90(row.T if turn & 4 else row, turn & 3)
            first[(np.sign(view.astype(float) - GREY)[:4] + 1).tobytes()] = (number, turn)
    turns = [
        first[(np.sign(luma[:4] - GREY) + 1).astype(float).tobytes()][1]
        for luma in batch.frame[0][:, 0].numpy()
    ]
    assert min(turns.count(turn) for turn in range(8)) > 20


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
    values = draw_batch(data, 800, 64, exact, rng).q.tolist()
    drawn = {round(q, 3) for q, times in Counter(values).items() if times > 1}  # as they are
    held = {round(q, 3) for batch in held_batches(data, exact) for q in batch.q.tolist()}
    assert len(drawn) == 17
    assert len(held) == 3
    assert not drawn & held


def test_no_more_than_a_quarter_is_held(folder: Path) -> None:
    assert open_data([folder, folder], "inter", 64, 100).held == (5, 5)
