"""Shards: their layout, windows on them, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from streamcodec.errors import UsageError
from streamcodec.training.data import Shards, View

from .small_runs import LENGTH, SIDE, shards_in, write_shards


def test_windows_show_the_stored_clips(tmp_path: Path) -> None:
    shards = shards_in(tmp_path)
    assert (len(shards), shards.length, shards.side) == (6, LENGTH, SIDE)
    stored = np.load(tmp_path / "001.frames.npy")
    window = shards.frame(View(clip=5, top=4, left=8, side=32, flip=False), 3)
    np.testing.assert_array_equal(window, stored[1, 3, :, 4:36, 8:40])


def test_flipped_window_turns_picture_and_flow(tmp_path: Path) -> None:
    shards = shards_in(tmp_path)
    plain, flipped = (View(2, 0, 16, 32, flip) for flip in (False, True))
    np.testing.assert_array_equal(shards.frame(flipped, 1), shards.frame(plain, 1)[..., ::-1])
    flow, turned = shards.hint(plain, 1, 1), shards.hint(flipped, 1, 1)
    np.testing.assert_array_equal(turned[0], -flow[0, :, ::-1])
    np.testing.assert_array_equal(turned[1], flow[1, :, ::-1])


@pytest.mark.parametrize("step", [1, -1])
def test_hint_leads_to_the_frame_before(tmp_path: Path, step: int) -> None:
    shards = shards_in(tmp_path)
    view = View(0, 0, 0, SIDE, False)
    t = 2
    x, y = (int(v) for v in shards.hint(view, t, step)[:, 5, 5])
    now, before = (shards.frame(view, n).astype(int) for n in (t, t - step))
    np.testing.assert_allclose(now[:, 8:40, 8:40], before[:, 8 + y : 40 + y, 8 + x : 40 + x], atol=1)


def test_no_shards_fails(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no shards .*make_shards"):
        Shards(tmp_path)


def test_shard_without_flows_fails(tmp_path: Path) -> None:
    write_shards(tmp_path)
    (tmp_path / "001.flows.npy").unlink()
    with pytest.raises(UsageError, match=r"cannot read the shard .*001"):
        Shards(tmp_path)


@pytest.mark.parametrize("shape", [(4, LENGTH, 3, SIDE, 40), (4, LENGTH, SIDE, SIDE), (3, LENGTH, 3, SIDE, SIDE)])
def test_wrong_layout_fails(tmp_path: Path, shape: tuple[int, ...]) -> None:
    write_shards(tmp_path)
    np.save(tmp_path / "000.frames.npy", np.zeros(shape, np.uint8))
    with pytest.raises(UsageError, match="not the layout of a shard"):
        Shards(tmp_path)


@pytest.mark.parametrize("side", [0, 20, SIDE + 16])
def test_crop_that_does_not_fit_fails(tmp_path: Path, side: int) -> None:
    with pytest.raises(UsageError, match=f"crop is {side}"):
        shards_in(tmp_path).draw(side, np.random.default_rng(0))
