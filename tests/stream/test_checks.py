"""Options of another type are usage errors in every public function, like options out of range."""

import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import streamcodec
from streamcodec.errors import UsageError
from streamcodec.types import VideoFormat

pytestmark = pytest.mark.usefixtures("tiny_models")

NO_NUMBERS: list[Any] = ["x", "5", b"x", [], {}, object(), True, float("nan"), 10**400]
NO_NAMES: list[Any] = [5, 2.5, b"x", [], {}, object()]
FRAME = torch.zeros(3, 32, 48, dtype=torch.uint8)
CASES: list[tuple[str, str, list[Any]]] = [
    *(("encode", name, NO_NUMBERS) for name in ("frame_rate", "scenecut", "gop", "quality")),
    *(("encode", name, NO_NAMES) for name in ("intra", "inter")),
    *(("encode", name, [5, "x", object()]) for name in ("options", "codec")),
    *(
        ("encode_file", name, NO_NUMBERS)
        for name in ("start_seconds", "duration_seconds", "max_frames")
    ),
    *(
        ("decode", name, NO_NUMBERS)
        for name in ("start_seconds", "duration_seconds", "max_frames", "max_pixels")
    ),
    *(("decode", name, NO_NAMES) for name in ("out", "intra", "inter")),
    *(
        ("decode_mp4", name, values)
        for name, values in (
            ("codec", NO_NAMES),
            ("crf", NO_NUMBERS),
            ("codec_options", [5, "x", {"a": 1}]),
        )
    ),
    *(("verify", name, NO_NAMES) for name in ("intra", "inter")),
    *(("dataset", name, NO_NUMBERS) for name in ("rank", "world_size", "max_pixels")),
    *(("encoder", name, NO_NAMES) for name in ("video",)),
    *(("encoder", name, [5, "x", object()]) for name in ("options", "codec")),
    *(("push", name, ["x", 2.5, [], object()]) for name in ("pts", "duration")),
    *(("format", name, NO_NUMBERS) for name in ("width", "height")),
    *(
        ("format", name, ["x", 2.5, [], object()])
        for name in ("time_base", "frame_rate", "sample_aspect_ratio")
    ),
    *(("encode_gop", name, NO_NAMES) for name in ("codec", "frames")),
    ("encode_gop", "quality", NO_NUMBERS),
    *(
        ("decode_gop", name, values)
        for name, values in (
            ("codec", NO_NAMES),
            ("size", ["x", 5, (1,), ("a", 1)]),
            ("payloads", [5, b"x"]),
        )
    ),
    ("frame_at_seconds", "seconds", ["x", [], object()]),
    *(("between", name, NO_NUMBERS) for name in ("start_seconds", "duration_seconds")),
    ("gop", "number", ["x", 2.5, [], object()]),
    ("frames_at", "indexes", [5, object(), "x", [2.5]]),
]


@pytest.fixture
def calls(
    coded, tiny_codec, tiny_models, clip: Path, tmp_path: Path
) -> dict[str, Callable[..., object]]:
    video = streamcodec.open(coded.data)
    whole = VideoFormat(48, 32, time_base=Fraction(1, 25))
    return {
        "encode": lambda **given: streamcodec.encode(
            [FRAME], io.BytesIO(), **(tiny_models | given)
        ),
        "encode_file": lambda **given: streamcodec.encode(
            clip, io.BytesIO(), **tiny_models, **given
        ),
        "decode": lambda **given: streamcodec.decode(
            coded.data, **({"out": tmp_path / "v.y4m"} | given)
        ),
        "decode_mp4": lambda **given: streamcodec.decode(coded.data, tmp_path / "v.mp4", **given),
        "verify": lambda **given: streamcodec.verify(coded.data, **given),
        "dataset": lambda **given: streamcodec.VideoDataset(coded.data, **given),
        "encoder": lambda **given: streamcodec.Encoder(
            **({"video": whole, "codec": tiny_codec} | given)
        ),
        "push": lambda **given: streamcodec.Encoder(whole, codec=tiny_codec).push(FRAME, **given),
        "format": lambda **given: VideoFormat(
            **({"width": 8, "height": 8, "time_base": Fraction(1, 25)} | given)
        ),
        "encode_gop": lambda **given: streamcodec.encode_gop(
            **({"codec": tiny_codec, "frames": FRAME[None], "quality": 3} | given)
        ),
        "decode_gop": lambda **given: streamcodec.decode_gop(
            **({"codec": tiny_codec, "payloads": [b"\x20"], "size": (32, 48)} | given)
        ),
        "frame_at_seconds": video.frame_at_seconds,
        "between": video.between,
        "gop": video.gop,
        "frames_at": video.frames_at,
    }


@pytest.mark.parametrize(
    ("call", "name", "values"), CASES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_values_of_another_type_fail(
    calls, tmp_path: Path, call: str, name: str, values: list[Any]
) -> None:
    for value in values:
        with pytest.raises(UsageError, match="accepted"):
            calls[call](**{name: value})
    assert list(tmp_path.iterdir()) == []


def test_numbers_and_paths_of_other_libraries_are_taken(
    calls, coded, tiny_models, tiny_weights: Path
) -> None:
    calls["encode"](
        frame_rate=np.float32(25),
        scenecut=np.float64(0.5),
        intra=tiny_weights / f"{tiny_models['intra']}.safetensors",
    )
    assert calls["encode_file"](max_frames=np.int64(2), start_seconds=Fraction(1, 10)).frames == 2
    video = streamcodec.open(coded.data, max_pixels=np.int64(53 * 37))
    assert len(list(video.gop(np.int64(-1)))) == 2
    assert video.frames_at(np.array([1, 2])).data.shape[0] == 2
