"""Values that nobody writes by accident: times at the ends of 64 bits, JSON without end, no memory."""

import io
import resource
import subprocess
import sys
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import streamcodec
from streamcodec import EncodeOptions, Encoder, StreamCodecError
from streamcodec.checks import parse_json
from streamcodec.cli import run
from streamcodec.codec import Codec
from streamcodec.container import Packet, PacketType, pack_metadata
from streamcodec.errors import CorruptStreamError, ModelError, UsageError
from streamcodec.parts import VideoPlan, check_part, plan_video
from streamcodec.types import VideoFormat
from support.streams import stream_of

DEEP = "[" * 100_000
END = 1 << 63
TIMES = (
    [0, 1, END - 2],
    [END - 4, END - 3, END - 2],
    [-END, 1 - END, 2 - END],
    [-END, 0, END - 2],
    [1 << 40, 1 << 41, 1 << 42],
    [-5, 1 << 62, (1 << 62) + 1],
)


def stream_at(codec: Codec, time_base: Fraction, times: list[int]) -> bytes:
    encoder = Encoder(VideoFormat(48, 32, time_base=time_base), EncodeOptions(gop=8), codec=codec)
    picture = np.zeros((3, 32, 48), np.uint8)
    pushed = (encoder.push(picture, pts=pts, duration=1) for pts in times)
    return stream_of(encoder.header, [*chain.from_iterable(pushed), *encoder.flush()])


@pytest.mark.parametrize("times", TIMES, ids=str)
@pytest.mark.parametrize(
    "time_base", [Fraction(1, 25), Fraction(1, 2**31 - 1), Fraction(2**31 - 1), Fraction(1, 10**9)]
)
def test_extreme_times_are_written_or_refused(
    native_codec: Codec,
    tiny_models: Any,
    tmp_path: Path,
    time_base: Fraction,
    times: list[int],
) -> None:
    try:
        data = stream_at(native_codec, time_base, times)
    except StreamCodecError:
        return
    outputs = [tmp_path / f"out{suffix}" for suffix in (".mp4", ".mkv", ".mov", ".webm")]
    for out in outputs:
        try:
            assert streamcodec.decode(data, out).frames == 3
        except StreamCodecError:
            assert not out.exists()
    assert set(tmp_path.iterdir()) <= set(outputs)
    video = streamcodec.open(data)
    assert len(list(video)) == 3
    assert video.metadata.frames == 3


def test_json_that_is_nested_deep_is_no_json() -> None:
    with pytest.raises(ValueError, match="nested too deep"):
        parse_json(DEEP)
    assert parse_json('{"a": [1]}') == {"a": [1]}


def test_plans_and_parts_that_are_nested_deep_are_refused(
    coded: Any, tiny_models: Any, clip: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="this is not a plan of a video: it is nested too deep"):
        VideoPlan.from_json(DEEP)
    plan = plan_video(clip, **tiny_models)
    reader = streamcodec.container.Reader(io.BytesIO(coded.data))
    note = Packet(type=PacketType.METADATA, payload=pack_metadata([("part", DEEP[:50_000])]))
    (tmp_path / "part").write_bytes(stream_of(reader.header, [note]))
    with pytest.raises((CorruptStreamError, UsageError)):
        check_part(plan, tmp_path / "part")


@pytest.mark.parametrize("kind", ["intra", "flow"])
def test_weights_whose_config_is_nested_deep_are_refused(
    tiny_weights: Path, tmp_path: Path, kind: str
) -> None:
    from safetensors.numpy import load_file, save_file

    from streamcodec.weights import load_codec

    metadata = {"config": DEEP, "format": "1", "preset": "ssf2020"}
    if kind == "intra":
        metadata = {"config": DEEP}
    path = tmp_path / "deep.safetensors"
    arrays = load_file(tiny_weights / f"tiny-{kind}.safetensors")
    save_file(arrays, path, metadata=metadata)
    with pytest.raises(ModelError):
        load_codec(*((str(path), "none") if kind == "intra" else ("dct-intra", str(path))))


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError(), "memory ran out"),
        (ImportError("libx.so: failed to map segment"), "cannot load a library: libx.so"),
    ],
)
def test_lack_of_memory_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    error: Exception,
    message: str,
) -> None:
    (tmp_path / "x.ssf").touch()

    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(streamcodec, "verify", fails)
    assert run(["verify", str(tmp_path / "x.ssf")]) == 1
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("megabytes", [100, 200, 250, 300])
def test_little_memory_gives_no_traceback(clip: Path, tmp_path: Path, megabytes: int) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))

    found = subprocess.run(
        [sys.executable, "-P", "-m", "streamcodec", "encode", str(clip), str(tmp_path / "out.ssf")],
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in found.stderr
    assert [path.name for path in tmp_path.iterdir()] == (
        ["out.ssf"] if not found.returncode else []
    )
