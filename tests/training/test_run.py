"""A run in its folder: log, TensorBoard, pictures, and what is left when it is stopped or killed."""

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import torch

from streamcodec.training import Data, Trainer, train
from streamcodec.training.journal import NO_BOARD, sum_up
from streamcodec.training.pictures import flow_wheel, picture_sheet

from .small_runs import shards_in, small_config, write_shards


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    return dict(torch.load(folder / "state.pt", weights_only=False)["models"])


def figures(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name not in ("seconds", "steps_per_second")} for row in rows]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_run_goes_on_as_if_it_had_not(tmp_path: Path, number: int) -> None:
    data = Data("shards", write_shards(tmp_path))
    config = small_config(steps=4, log_every=1)
    straight = train(config, data, tmp_path / "straight", report=lambda _: None)
    assert (straight.step, straight.signal) == (4, None)

    def stop_at_two(line: str) -> None:
        if line.startswith("step 2/"):
            os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    stopped = train(config, data, tmp_path / "run", report=stop_at_two)
    assert (stopped.step, stopped.signal) == (2, number)
    assert signal.getsignal(number) is before
    assert train(config, data, tmp_path / "run", report=lambda _: None).step == 4
    assert figures(rows_of(tmp_path / "run")) == figures(rows_of(tmp_path / "straight"))
    expected = weights_of(tmp_path / "straight")
    assert all(torch.equal(value, expected[name]) for name, value in weights_of(tmp_path / "run").items())


def test_killed_run_loses_no_more_than_an_interval(tmp_path: Path) -> None:
    """Rows of steps that were lost are cut off, as is a line that was being written."""
    data = Data("shards", write_shards(tmp_path))
    config = small_config(steps=5, log_every=1, save_every=2)

    def die_at_three(line: str) -> None:
        if line.startswith("step 3/"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, data, tmp_path / "run", report=die_at_three)
    with (tmp_path / "run" / "log.jsonl").open("a") as log:
        log.write('{"step": 4, "sec')
    said: list[str] = []
    train(config, data, tmp_path / "run", report=said.append)
    assert "from step 2 to 5" in said[0]
    assert [row["step"] for row in rows_of(tmp_path / "run")] == [1, 2, 3, 4, 5]


def test_run_stops_when_its_time_is_up_and_says_what_it_does(tmp_path: Path) -> None:
    said: list[str] = []
    ending = train(small_config(steps=1000), Data("shards", write_shards(tmp_path)), tmp_path / "run", seconds=0.01, report=said.append)
    assert 0 < ending.step < 1000
    assert said[0].startswith("joint training of the default models on 6 clips of 5 frames, 48x48, in shards\n  I-frames: 2\n")
    assert "  P-frames: of 2 out of 3 chains" in said[0]
    assert said[-1].startswith(f"stopped after step {ending.step}")


def test_run_in_another_thread_needs_no_signals(tmp_path: Path) -> None:
    data, endings = Data("shards", write_shards(tmp_path)), []
    config = small_config(steps=1, flow_batch=0)
    thread = threading.Thread(target=lambda: endings.append(train(config, data, tmp_path / "run", report=lambda _: None)))
    thread.start()
    thread.join()
    assert endings[0].step == 1


def test_line_for_people() -> None:
    row = {"step": 120, "steps_per_second": 0.5, "flow_loss": 0.41, "flow_psnr_db": 31.2, "motion_bpp": 0.02, "residual_bpp": 0.07}
    expected = "step 120/600  flow loss 0.4100 (31.20 dB; motion 0.0200, residual 0.0700 bpp)  0.50 steps/s  0:16:00 left"
    assert sum_up(row, 600) == expected


def test_tensorboard_gets_scalars_and_pictures_and_changes_nothing(tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    data, config = Data("shards", write_shards(tmp_path)), small_config(steps=2, log_every=1, pictures_every=1)
    for name, board in (("with", True), ("without", False)):
        train(config, data, tmp_path / name, tensorboard=board, report=lambda _: None)
    assert figures(rows_of(tmp_path / "with")) == figures(rows_of(tmp_path / "without"))
    events = accumulator.EventAccumulator(str(tmp_path / "with" / "tensorboard"), size_guidance={"images": 0})
    events.Reload()
    expected = {"loss/image", "loss/flow", "psnr_db/image", "psnr_db/flow", "bpp/image", "bpp/motion", "bpp/residual"}
    assert set(events.Tags()["scalars"]) == expected | {"run/gradient", "run/lr", "run/steps_per_second"}
    logged = {scalar.step: scalar.value for scalar in events.Scalars("loss/flow")}
    assert logged == {row["step"]: pytest.approx(row["flow_loss"], rel=1e-6) for row in rows_of(tmp_path / "with")}
    assert [picture.step for picture in events.Images(events.Tags()["images"][0])] == [1, 2]


def test_without_tensorboard_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    said: list[str] = []
    config = small_config(steps=1, flow_batch=0, log_every=1)
    train(config, Data("shards", write_shards(tmp_path)), tmp_path / "run", tensorboard=True, report=said.append)
    assert said.count(NO_BOARD) == 1
    assert len(rows_of(tmp_path / "run")) == 1


@pytest.mark.parametrize(("fields", "columns"), [({}, 4), ({"flow_batch": 0}, 2)])
def test_sheet_shows_source_and_reconstruction(tmp_path: Path, fields: dict[str, int], columns: int) -> None:
    trainer = Trainer(small_config(**fields), shards_in(tmp_path))
    sheet = picture_sheet(trainer)
    assert sheet.shape == (3, 4 * 32, columns * 32)
    clip, _ = trainer.source.clip(0)  # type: ignore[attr-defined]
    torch.testing.assert_close(sheet[:, :32, :32], torch.from_numpy(clip[1 if columns == 4 else 0, :, :32, :32]) / 255)
    assert sheet.min() >= 0
    assert sheet.max() <= 1
    assert torch.equal(sheet, picture_sheet(trainer))


def test_wheel_has_a_hue_for_each_direction() -> None:
    flow = torch.tensor([[8.0, 0.0], [-8.0, 0.0], [0.0, 0.0], [4.0, 0.0]]).T.reshape(1, 2, 1, 4)
    colours = flow_wheel(flow)[0, :, 0].T
    torch.testing.assert_close(colours, torch.tensor([[1.0, 0, 0], [0, 1, 1], [1, 1, 1], [1, 0.5, 0.5]]))
    around = torch.stack([flow_wheel(8 * torch.tensor([[[[a.cos()]], [[a.sin()]]]])).flatten() for a in torch.arange(0, 6.28, 0.5)])
    assert (around.max(1).values == 1).all()
    assert torch.cdist(around, around).fill_diagonal_(1).min() > 0.1
