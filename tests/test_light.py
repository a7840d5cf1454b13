"""What the default models do takes neither PyTorch nor OpenCV: in a process that cannot import them."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow

BLOCK = """
import sys
sys.modules.update(dict.fromkeys(("torch", "cv2", "kornia", "ray")))
"""
COMMANDS = (
    BLOCK
    + """
import json
from streamcodec.cli import run
for arguments in json.loads(sys.argv[1]):
    code = run(arguments)
    assert code == 0, (arguments, code)
"""
)


def run_python(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, *arguments], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_commands(clip: Path, tmp_path: Path) -> None:
    stream, picture = str(tmp_path / "v.ssf"), str(tmp_path / "frames" / "frame_000000.png")
    commands = [
        ["encode", str(clip), stream, "--frames", "6", "--psnr", "--gop", "4", "--preset", "fast"],
        ["info", stream, "--packets"],
        ["verify", stream, "--exact"],
        ["decode", stream, str(tmp_path / "v.mp4")],
        ["decode", stream, str(tmp_path / "v.y4m")],
        ["decode", stream, str(tmp_path / "frames")],
        ["search", str(clip), "-q", "20", "--frames", "3"],
        ["encode", str(clip), str(tmp_path / "w.ssf"), "--frames", "3", "--target-psnr", "30"],
        ["image", "encode", picture, str(tmp_path / "p.ssf")],
        ["image", "decode", str(tmp_path / "p.ssf"), str(tmp_path / "p.jpg")],
        ["models"],
    ]
    run_python(COMMANDS, json.dumps(commands))
    assert {"v.mp4", "v.y4m", "p.jpg"} <= {path.name for path in tmp_path.iterdir()}


OPEN = (
    BLOCK
    + """
import io
import numpy as np
import streamcodec
frames = [np.random.default_rng(number).integers(0, 256, (3, 32, 48)).astype(np.uint8) for number in range(5)]
out = io.BytesIO()
report = streamcodec.encode(frames, out, gop=3, psnr=True)
assert report.psnr_db is not None
with streamcodec.open(out.getvalue()) as video:
    assert [frame.planes[1].shape for frame in video] == [(16, 24)] * 5
    assert video[2].array.shape == (3, 32, 48)
    batch = video[1:4]
    assert batch.array.shape == (3, 3, 32, 48) and batch.planes[0].shape == (3, 32, 48) and batch.indexes.tolist() == [1, 2, 3]
    for what in (video[0], batch):
        try:
            what.data
        except streamcodec.NotInstalledError as error:
            assert "pip install 'streamcodec[torch]'" in str(error)
        else:
            raise AssertionError("a tensor without PyTorch")
samples = list(streamcodec.VideoDataset(out.getvalue()))
assert len(samples) == 5 and samples[0].shape == (3, 32, 48)
settings = {"clip_length": 2, "resize": (16, 24), "output_dtype": "float32"}
clips = list(streamcodec.VideoDataset(out.getvalue(), **settings))
by_number = streamcodec.VideoMapDataset(out.getvalue(), **settings)
assert len(clips) == len(by_number) == 2
for number, clip in enumerate(clips):
    assert clip.shape == (2, 3, 16, 24) and clip.dtype == np.float32 and clip.max() <= 1
    assert np.array_equal(by_number[number], clip)
assert [frame.index for frame in streamcodec.frames_at([(out.getvalue(), 3), (out.getvalue(), 0)])] == [3, 0]
try:
    streamcodec.VideoDataset(out.getvalue(), output_dtype="bfloat16")
except streamcodec.NotInstalledError as error:
    assert "output_dtype bfloat16 needs PyTorch" in str(error)
else:
    raise AssertionError("bfloat16 without PyTorch")
codec = streamcodec.load_codec()
coded = streamcodec.encode_gop(codec, np.stack(frames), 40)
assert np.array_equal(streamcodec.decode_gop(codec, coded.payloads, (32, 48)).array, coded.reconstruction.array)
"""
)


def test_python() -> None:
    run_python(OPEN)


WORKER = (
    BLOCK
    + """
from pathlib import Path
from streamcodec.pipelines.transcoding.worker import Coder
from streamcodec.pipelines.transcoding.recipe import Coding
from streamcodec.pipelines.files.storage import Storage
from streamcodec.pipelines.transcoding.messages import (FileError, Task)
from streamcodec.pipelines.files.locations import FileRef
from streamcodec import EncodeOptions
source, folder = Path(sys.argv[1]), Path(sys.argv[2])
for to, start in (("ssf", source), ("mp4", folder / "a.ssf")):
    coder = Coder(Coding(to=to, options=EncodeOptions(gop=4), psnr=True, check_gops=1), Storage(str(folder)))
    ref = FileRef(0, str(start), str(folder / f"a.{to}"), start.stat().st_size, "key")
    for kind in ("whole", "verify"):
        (outcome,) = coder.perform(Task(0, kind, (ref,)))
        assert not isinstance(outcome, FileError), outcome
"""
)


def test_worker_of_transcode(clip: Path, tmp_path: Path) -> None:
    run_python(WORKER, str(clip), str(tmp_path))


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["encode", "CLIP", "OUT.ssf", "--intra", "ZOO", "--inter", "none"], "model tiny-image"),
        (["encode", "CLIP", "OUT.ssf", "--device", "cuda"], "device cuda"),
        (["train", "run", "x.toml", "--data", "x", "--out", "y"], "training"),
        (["models", "--known"], "models --known"),
        (["import-checkpoint", "CLIP", "-o", "OUT.safetensors"], "import-checkpoint"),
        (["evaluate", "CLIP", "--out", "OUT"], "evaluate"),
        (["image", "encode", "PNG", "OUT.ssf", "--msssim"], "MS-SSIM"),
    ],
)
def test_what_needs_torch_says_so(
    clip: Path, tiny_weights: Path, tmp_path: Path, arguments: list[str], what: str
) -> None:
    from streamcodec.video import to_png

    (tmp_path / "a.png").write_bytes(to_png(np.zeros((3, 16, 16), np.uint8)))
    places = {
        "CLIP": str(clip),
        "PNG": str(tmp_path / "a.png"),
        "ZOO": str(tiny_weights / "tiny-image.safetensors"),
    }
    filled = [places.get(word, word.replace("OUT", str(tmp_path / "out"))) for word in arguments]
    code = (
        BLOCK + "from streamcodec.cli import run\nimport json\nprint(run(json.loads(sys.argv[1])))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, json.dumps(filled)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "1"
    assert f"{what} needs PyTorch" in done.stderr.replace(", which measures MS-SSIM,", "")
    assert "pip install 'streamcodec[torch]'" in done.stderr


@pytest.mark.parametrize("module", ["streamcodec.models", "streamcodec.training"])
def test_parts_for_torch_say_so(module: str) -> None:
    code = (
        BLOCK
        + f"""
import streamcodec
try:
    import {module}
except streamcodec.NotInstalledError as error:
    print(error)
"""
    )
    assert f"{module} needs PyTorch" in run_python(code)
