import json
from pathlib import Path
from typing import Any

import pytest
import torch

import streamcodec
from streamcodec.cli import run
from streamcodec.models import create
from streamcodec.weights import load_codec


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """As a trainer saves it: in a wrapper, from a DataParallel."""
    torch.manual_seed(1)
    state = create("bmshj2018-hyperprior", N=4, M=6).state_dict()
    content = {
        "epoch": 9,
        "state_dict": {f"module.{key}": value for key, value in state.items()},
        "optimizer": {},
    }
    torch.save(content, tmp_path / "in.pth.tar")
    return tmp_path / "in.pth.tar"


def do_import(checkpoint: Path, out: str, capsys: pytest.CaptureFixture[str], *options: str) -> Any:
    assert (
        run(
            [
                "import-checkpoint",
                str(checkpoint),
                "-o",
                str(checkpoint.with_name(out)),
                "--json",
                *options,
            ]
        )
        == 0
    )
    return json.loads(capsys.readouterr().out)


def test_the_report_says_what_became_of_the_file(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["import-checkpoint", str(checkpoint), "-o", str(tmp_path / "out.safetensors")]) == 0
    said = capsys.readouterr().out
    for part in (
        "bmshj2018-hyperprior: N 4, M 6",
        "keys in an older spelling",
        "epoch, optimizer",
        "wrapper    state_dict",
        "out.safetensors: ",
    ):
        assert part in said
    facts = do_import(checkpoint, "out.safetensors", capsys, "-y", "--half")
    assert (facts["preset"], facts["config"], facts["ignored"]) == (
        "bmshj2018-hyperprior", {"N": 4, "M": 6}, ["epoch", "optimizer"]
    )  # fmt: skip
    assert facts["files"][0]["id"] not in said
    assert (
        run(
            [
                "import-checkpoint",
                str(checkpoint),
                "-o",
                str(tmp_path / "out.safetensors"),
                "-y",
                "--quiet",
            ]
        )
        == 0
    )
    assert capsys.readouterr().out == ""


def test_imported_models_code_videos(
    tmp_path: Path, clip: Path, monkeypatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By name from a folder of STREAMCODEC_WEIGHTS and by path, I-frames and P-frames, there and back."""
    torch.manual_seed(1)
    model = create("ssf2020", N=4, M=6)
    torch.save({"network": model.state_dict()}, tmp_path / "in.pth")
    do_import(tmp_path / "in.pth", "flow.safetensors", capsys)
    stream, back = tmp_path / "a.ssf", tmp_path / "back.mkv"
    options = [
        "--intra",
        f"{tmp_path}/flow-image.safetensors",
        "--inter",
        "flow",
        "--gop",
        "3",
        "--scenecut",
        "0",
        "--frames",
        "4",
        "--quiet",
    ]
    assert run(["encode", str(clip), str(stream), *options]) == 1
    monkeypatch.setenv("STREAMCODEC_WEIGHTS", str(tmp_path))
    assert run(["encode", str(clip), str(stream), *options]) == 0
    assert run(["verify", str(stream), "--exact"]) == 0
    assert run(["decode", str(stream), str(back), "--codec", "ffv1", "--quiet"]) == 0
    assert len(list(streamcodec.open(stream))) == 4
    codec = load_codec("flow-image", "flow", device="cpu")
    frames = torch.randint(256, (3, 3, 32, 48), dtype=torch.uint8)
    coded = streamcodec.encode_gop(codec, frames, 40)
    assert torch.equal(
        streamcodec.decode_gop(codec, coded.payloads, (32, 48)).data, coded.reconstruction.data
    )


def test_what_cannot_be_imported_fails(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out.safetensors")
    content = torch.load(checkpoint, weights_only=True)
    del content["state_dict"]["module.g_s.2.weight"]
    torch.save(content, tmp_path / "less.pth")
    for arguments, code, message in (
        ([str(tmp_path / "none.pth"), "-o", out], 1, "No such file"),
        ([str(tmp_path / "less.pth"), "-o", out], 1, "1 missing: g_s.2.weight"),
        ([str(checkpoint), "-o", out, "--model", "ssf2020"], 1, "do not fit the model ssf2020"),
        ([str(checkpoint), "-o", str(tmp_path / "out.pth")], 2, "ends in .safetensors"),
        ([str(checkpoint), "-o", str(tmp_path / "no" / "out.safetensors")], 1, "is not a folder"),
        ([str(checkpoint)], 2, "--out"),
    ):
        assert run(["import-checkpoint", *arguments]) == code
        assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("*out*"))
