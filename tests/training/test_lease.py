"""The way of a lease at a tiny size: pack, run until a deadline, pieces of the state, join, weights that load; and what is refused."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from streamcodec.errors import UsageError
from streamcodec.models import load_checkpoint
from streamcodec.training import supervisor
from streamcodec.training.data import Shards
from streamcodec.training.lease import main
from streamcodec.training.packing import decode_clip, encode_clip, pack, unpack
from streamcodec.training.pieces import join_pieces, split_file

from .small_runs import LENGTH, SIDE, SMALL_FLOW, SMALL_IMAGE, wave_clip, write_shards

SEND_PATH = f"import sys; sys.path.insert(0, {str(Path(__file__).resolve().parents[2])!r}); "


def write_config(path: Path, **fields: object) -> Path:
    values = {"stage": "joint", "steps": 1, "image_start": "fresh", "flow_start": "fresh", "image_batch": 1, "flow_batch": 2, "chains": 4}
    values |= {"unroll": 2, "crop": 32, "gain_rows": 3, "warmup": 2, "log_every": 2, **fields}
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    for table, widths in (("image", SMALL_IMAGE), ("flow", SMALL_FLOW)):
        lines += [f"[{table}]", *(f"{name} = {width}" for name, width in widths.items())]
    path.write_text("\n".join(lines))
    return path


def places(folder: Path) -> list[str]:
    return [str(folder / "c.toml"), "--work", str(folder / "work"), "--out", str(folder / "back"), "--device", "cpu", "--mode", "eager"]


def work_for(folder: Path, seconds: float, *more: str) -> int:
    return main(["worker", *places(folder), "--deadline", str(time.time() + seconds), *more])


def test_whole_way_of_a_lease(tmp_path: Path) -> None:
    (tmp_path / "shards").mkdir()
    write_shards(tmp_path / "shards")
    assert main(["pack", str(tmp_path / "shards"), str(tmp_path / "clips"), "--mib", "1"]) == 0
    write_config(tmp_path / "c.toml")
    (tmp_path / "work").mkdir()
    assert unpack(sorted((tmp_path / "clips").glob("*.zip")), tmp_path / "work" / "shards") == 6
    assert work_for(tmp_path, 3, "--until", "0.5", "--save-seconds", "0.5") == 0
    (tmp_path / "work" / "c.state.pt").unlink()  # another machine goes on from what came back
    assert main(["join", str(tmp_path / "back"), str(tmp_path / "joined")]) == 0
    state = torch.load(tmp_path / "joined" / "state.bin", weights_only=True)
    assert state["step"] > 0
    assert state["progress"] == pytest.approx(0.5)
    for name in ("quarter-image", "quarter-flow"):
        load_checkpoint(tmp_path / "joined" / f"{name}.safetensors").model.tables()
    assert work_for(tmp_path, 1, "--resume", str(tmp_path / "joined" / "state.bin")) == 0
    rows = [json.loads(line) for line in (tmp_path / "back" / "log.jsonl").read_text().splitlines()]
    assert rows[-1]["step"] > state["step"]
    assert rows[-1]["progress"] > 0.5


def test_finished_schedule_fails(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_shards_at(tmp_path / "work" / "shards")
    write_config(tmp_path / "c.toml")
    assert main(["run", *places(tmp_path), "--until", "0", "--seconds", "60"]) == 2
    assert "until is 0.0; accepted: more" in capfd.readouterr().err


def test_worker_that_fails_is_followed_by_a_simpler_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    tried: list[str] = []

    class Worker:
        def __init__(self, command: list[str], env: dict[str, str]) -> None:
            tried.append(command[-2])
            self.returncode = 0 if "--mode=eager" in command else 1

        def poll(self) -> int:
            return self.returncode

        def __enter__(self) -> "Worker":
            return self

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(supervisor.subprocess, "Popen", Worker)
    assert supervisor.supervise(["compiled", "graph", "eager"], [], 60, tmp_path) == 0
    assert tried == ["--mode=compiled", "--mode=graph", "--mode=eager"]
    assert "mode graph failed with status 1" in capfd.readouterr().out


def test_worker_that_hangs_is_stopped(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as worker:
        assert supervisor._watch(worker, tmp_path / "ready", prepared_by=0, end=float("inf")) == 124
    (tmp_path / "ready").touch()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as worker:
        assert supervisor._watch(worker, tmp_path / "ready", prepared_by=0, end=0) == 124


def test_training_imports_without_codec_libraries() -> None:
    code = (
        f"{SEND_PATH}\n"
        "for name in ('av', 'cv2', 'streamcodec._native', 'click', 'rich'): sys.modules[name] = None\n"
        "import streamcodec.training, streamcodec.models, streamcodec.training.lease, streamcodec.training.lease_worker"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_packed_clip_is_nearly_the_clip() -> None:
    frames, flows = wave_clip(np.random.default_rng(3))
    data = encode_clip(frames, flows, 2.0)
    back, back_flows = decode_clip(data, LENGTH, SIDE, 2.0)
    grey, back_grey = frames.mean(1), back.astype(np.float64).mean(1)
    assert np.abs(grey - back_grey).mean() < 4
    np.testing.assert_array_equal(back_flows, flows)
    assert len(data) < frames.nbytes / 3


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_packed_colours_are_kept(channel: int) -> None:
    frames = np.full((2, 3, 16, 16), 40, np.uint8)
    frames[:, channel] = 200
    back, _ = decode_clip(encode_clip(frames, np.zeros((2, 2, 2, 4, 4), np.float16), 1.0), 2, 16, 1.0)
    assert np.abs(back.astype(int) - frames).max() <= 1


def test_pieces_keep_to_their_size_and_unpack_to_shards(tmp_path: Path) -> None:
    write_shards_at(tmp_path / "shards")
    shards = Shards(tmp_path / "shards")
    size = len(encode_clip(*shards.clip(0), 6.0))
    pieces = pack(shards, tmp_path / "clips", 4 * size + 4000)
    assert len(pieces) > 1
    assert all(path.stat().st_size <= 4 * size + 4000 for path in pieces)
    assert unpack(pieces, tmp_path / "back") == len(shards) == len(Shards(tmp_path / "back"))
    expected, _ = decode_clip(encode_clip(*shards.clip(5), 6.0), LENGTH, SIDE, 6.0)
    np.testing.assert_array_equal(Shards(tmp_path / "back").clip(5)[0], expected)


def test_damaged_piece_fails(tmp_path: Path) -> None:
    (tmp_path / "piece-00.zip").write_bytes(b"nothing")
    with pytest.raises(UsageError, match="cannot read the piece of clips"):
        unpack([tmp_path / "piece-00.zip"], tmp_path / "back")
    with pytest.raises(UsageError, match="a packed clip is damaged"):
        decode_clip(b"nothing", LENGTH, SIDE, 6.0)
    with pytest.raises(UsageError, match=r"values; .* make 2 frames"):
        decode_clip(encode_clip(*wave_clip(np.random.default_rng(0)), 6.0), 2, SIDE, 6.0)


def test_file_travels_in_pieces(tmp_path: Path) -> None:
    data = np.random.default_rng(0).bytes(2500)
    (tmp_path / "state.bin").write_bytes(data)
    for _ in range(2):  # the second time over the first
        names = [path.name for path in split_file(tmp_path / "state.bin", tmp_path / "out", 1000)]
    assert names == ["state.bin.000", "state.bin.001", "state.bin.002", "state.bin.json"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    join_pieces(tmp_path / "out", "state.bin", tmp_path / "joined")
    assert (tmp_path / "joined").read_bytes() == data


@pytest.mark.parametrize("defect", ["missing", "damaged", "unlisted"])
def test_incomplete_pieces_fail(tmp_path: Path, defect: str) -> None:
    (tmp_path / "state.bin").write_bytes(bytes(2500))
    split_file(tmp_path / "state.bin", tmp_path / "out", 1000)
    path = tmp_path / "out" / ("state.bin.json" if defect == "unlisted" else "state.bin.001")
    path.write_bytes(b"else") if defect == "damaged" else path.unlink()
    with pytest.raises(UsageError, match=r"state\.bin"):
        join_pieces(tmp_path / "out", "state.bin", tmp_path / "joined")
    assert not (tmp_path / "joined").exists()


def write_shards_at(folder: Path) -> None:
    folder.mkdir(parents=True)
    write_shards(folder)
