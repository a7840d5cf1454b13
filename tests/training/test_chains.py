"""Persistent chains: the reference of a step is the reconstruction of the step before."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from streamcodec.training.chains import Chains, draw_images, snap

from .small_runs import shards_in, small_config

CPU = torch.device("cpu")


def coded_first(frames: Tensor, q: Tensor) -> Tensor:
    return 0.5 * frames + 0.1


def chains_in(folder: Path, seed: int = 1) -> Chains:
    return Chains(shards_in(folder), small_config(chains=2), np.random.default_rng(seed), CPU)


def test_first_reference_is_a_coded_frame_of_eight_bits(tmp_path: Path) -> None:
    batch = chains_in(tmp_path).next(coded_first)
    assert batch.frames.shape == batch.references.shape == (2, 3, 32, 32)
    assert batch.hints.shape == (2, 2, 8, 8)
    steps = batch.references * 255
    torch.testing.assert_close(steps, steps.round(), atol=1e-4, rtol=0)
    assert batch.references.max() <= 0.61


def test_reconstruction_becomes_the_next_reference(tmp_path: Path) -> None:
    chains = chains_in(tmp_path)
    for _ in range(8):
        batch = chains.next(coded_first)
        x_hat = torch.rand(batch.frames.shape) * 1.2 - 0.1
        chains.keep(x_hat)
        after = chains.next(coded_first)
        for index in range(2):
            if after.depth[index] > 1:  # the batch draws the chains in any order
                before = int(np.argmax([torch.equal(after.references[index], reference) for reference in snap(x_hat)]))
                assert torch.equal(after.references[index], snap(x_hat)[before])
                assert after.depth[index] == batch.depth[before] + 1
                assert after.q[index] == batch.q[before]


def test_depth_stays_within_its_limits(tmp_path: Path) -> None:
    chains = chains_in(tmp_path)
    depths = []
    for _ in range(30):
        batch = chains.next(coded_first)
        chains.keep(batch.frames)
        depths.append(batch.depth)
    assert 2 <= int(torch.stack(depths).max()) <= 4
    assert int(torch.stack(depths).min()) == 1


def test_restart_codes_i_frames_anew(tmp_path: Path) -> None:
    chains = chains_in(tmp_path)
    chains.next(coded_first)
    chains.restart()
    assert chains.next(coded_first).depth.tolist() == [1, 1]


def test_state_goes_on_alike(tmp_path: Path) -> None:
    one, other = chains_in(tmp_path), chains_in(tmp_path, seed=2)
    one.keep(one.next(coded_first).frames)
    other.load_state_dict(one.state_dict())
    assert torch.equal(one.next(coded_first).references, other.next(coded_first).references)


def test_images_come_with_qualities_of_the_rows(tmp_path: Path) -> None:
    frames, q = draw_images(shards_in(tmp_path), small_config(image_batch=64), np.random.default_rng(0), CPU)
    assert frames.shape == (64, 3, 32, 32)
    assert q.min() == 0
    assert q.max() == 2


def test_batches_are_drawn_from_many_chains(tmp_path: Path) -> None:
    chains = Chains(shards_in(tmp_path), small_config(chains=6, max_depth=30, min_depth=30), np.random.default_rng(3), CPU)
    depths = [chains.next(coded_first).depth for _ in range(9)]
    assert sum(int((depth == 1).sum()) for depth in depths) == 6
    assert chains.next(coded_first).frames.shape[0] == 2
