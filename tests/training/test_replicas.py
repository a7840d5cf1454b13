"""Processes that train one model: they keep the same weights, on other clips, and go on where they stopped."""

import os
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist

from streamcodec.errors import UsageError
from streamcodec.training import Data, Trainer, train
from streamcodec.training.replicas import ALONE, Replicas

from .small_runs import small_config, write_shards

FIELDS: dict[str, Any] = {"steps": 4, "log_every": 1, "image_batch": 1}


def take_part(rank: int, folder: str) -> None:
    """What a process does: one run of four steps, and one of two that goes on for two more; its weights are left in the folder."""
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/group", rank=rank, world_size=2)
    replicas, data, config = Replicas(rank, 2), Data("shards", Path(folder, "shards")), small_config(**FIELDS)
    train(config, data, Path(folder, "straight"), replicas=replicas, report=lambda _: None)
    half = Trainer(config, data.open(config, replicas), replicas=replicas)
    half.step()
    half.step()
    torch.save([walk.view.clip for walk in half._chains._walks], Path(folder, f"clips-{rank}"))
    torch.save(half.models.state_dict(), Path(folder, f"weights-{rank}"))
    Path(folder, "resumed").mkdir(exist_ok=True)
    half.save(Path(folder, "resumed", "state.pt"))
    dist.barrier()
    train(config, data, Path(folder, "resumed"), replicas=replicas, report=lambda _: None)
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """After two processes have trained together."""
    folder = tmp_path_factory.mktemp("replicas")
    (folder / "shards").mkdir()
    write_shards(folder / "shards")
    context = get_context("fork")
    processes = [context.Process(target=take_part, args=(rank, str(folder)), daemon=True) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0]
    return folder


def test_both_hold_the_same_weights(folder: Path) -> None:
    one, other = (torch.load(folder / f"weights-{rank}") for rank in range(2))
    assert all(torch.equal(value, other[name]) for name, value in one.items())


def test_state_holds_both_and_goes_on_exactly(folder: Path) -> None:
    straight, resumed = (torch.load(folder / name / "state.pt", weights_only=False) for name in ("straight", "resumed"))
    assert (straight["step"], len(straight["ranks"])) == (4, 2)
    assert all(torch.equal(value, resumed["models"][name]) for name, value in straight["models"].items())
    first, second = (rank["chains"] for rank in straight["ranks"])
    assert [walk["q"] for walk in first] != [walk["q"] for walk in second]


def test_state_of_two_processes_fails_for_one(folder: Path) -> None:
    config = small_config(**FIELDS)
    with pytest.raises(UsageError, match="state of 2 processes; accepted: as many, not 1"):
        Trainer(config, Data("shards", folder / "shards").open(config)).resume(folder / "straight" / "state.pt")


def test_alone_nothing_is_exchanged() -> None:
    tensor = torch.ones(2)
    ALONE.average([tensor])
    ALONE.spread([tensor])
    assert (tensor.tolist(), ALONE.any(True), ALONE.any(False), ALONE.gather(3)) == ([1, 1], True, False, [3])


@pytest.mark.parametrize(("rank", "world"), [(1, 1), (-1, 2), (0, 0)])
def test_rank_outside_of_the_world_fails(rank: int, world: int) -> None:
    with pytest.raises(UsageError, match="rank is"):
        Replicas(rank, world)
