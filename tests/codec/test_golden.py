"""Streams of every format version, kept for ever, decode to the symbols that were written. tools/make_golden_codec.py made them."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import streamcodec
from streamcodec.types import Precision

GOLDEN = Path(__file__).with_name("golden")


@pytest.mark.parametrize("version", ["v1.0"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_golden_stream(
    version: str, precision: Precision, symbols_of, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STREAMCODEC_WEIGHTS", str(GOLDEN))
    video = streamcodec.open(GOLDEN / f"{version}.ssf", device="cpu", precision=precision)
    with symbols_of.recording("decode") as symbols:
        frames = np.stack([frame.array for frame in video])
    digest = hashlib.sha256(
        b"".join(block.numpy().astype("<i4").tobytes() for block in symbols)
    ).hexdigest()
    assert digest == json.loads((GOLDEN / f"{version}.json").read_text())["symbols_sha256"]
    assert sum(int(block.count_nonzero()) for block in symbols) > 300
    expected = np.load(GOLDEN / f"{version}.npy")
    assert frames.shape == expected.shape
    difference = np.abs(frames.astype(int) - expected)
    assert difference.mean() < (0.05 if precision == "fp32" else 2)


def test_golden_stream_encodes_to_the_same_symbols(symbols_of) -> None:
    """The other direction on this machine: what the encoder writes today decodes to what it meant."""
    codec = streamcodec.load_codec(
        *(str(GOLDEN / f"golden-{part}.safetensors") for part in ("image", "flow")), device="cpu"
    )
    clip = torch.from_numpy(np.load(GOLDEN / "v1.0.npy"))[:3]
    for precision in ("fp32", "bf16"):
        chosen = replace(codec, precision=precision)
        with symbols_of.recording("encode") as written:
            coded = streamcodec.encode_gop(chosen, clip, 63)
        with symbols_of.recording("decode") as read:
            streamcodec.decode_gop(codec, coded.payloads, (40, 48))
        assert all(torch.equal(a, b) for a, b in zip(written, read, strict=True))
