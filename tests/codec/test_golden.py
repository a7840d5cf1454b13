"""Streams of every format version, kept for ever. tools/golden/make_golden_codec.py made them.

Those of the default kind decode to the pictures that were written, those of the published models to the symbols.
"""

import hashlib
import json
import re
from dataclasses import replace
from functools import partial
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import streamcodec
from streamcodec import _native
from streamcodec.codec import Codec, iter_decode_gop, load_native_model
from streamcodec.container import Packet, PacketType, Reader
from streamcodec.runtime import using_threads
from streamcodec.types import Planes, Precision

GOLDEN = Path(__file__).with_name("golden")
NATIVE = {
    "v1.0-native": "IPPIP",
    "v1.1-native": "IPPIP",
    "v1.1-native-2": "IPPIP",
    "v1.2-native-2": "IBBBBBBBPPIBBBPBBP",
    "v1.2-native-3": "IBBBBBBBPPIBBBPBBP",
    "v1.2-hadamard-3": "IBBBBBBBPPIBBBPBBP",
}
"""Types of the frames. The last digit of a name: the format of the weights, 1 if there is none."""
RELEASES = sorted(path.stem for path in GOLDEN.glob("release-*.ssf"))
SIZE = (54, 70)


@pytest.fixture(autouse=True)
def _golden_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMCODEC_WEIGHTS", str(GOLDEN))


def digest_of(planes: Planes) -> str:
    return hashlib.sha256(b"".join(plane.tobytes() for plane in planes)).hexdigest()


def expected_planes(name: str) -> list[str]:
    digests: list[str] = json.loads((GOLDEN / f"{name}.json").read_text())["planes_sha256"]
    return digests


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("instruction_set", _native.instruction_sets())
@pytest.mark.parametrize("name", NATIVE)
def test_native_stream_decodes_to_the_same_pictures(
    monkeypatch: pytest.MonkeyPatch, name: str, instruction_set: str, threads: int
) -> None:
    """Scalar, AVX2 and AVX-512, as far as this processor has them."""
    prefix = "golden" if name.endswith("native") else f"golden-{name[-1]}"
    parts = ("intra", "hadamard" if "hadamard" in name else "inter")
    intra, inter = (load_native_model(GOLDEN / f"{prefix}-{part}.safetensors") for part in parts)
    for model in (intra, inter):
        decode = partial(model._coder.decode, instruction_set=instruction_set)
        monkeypatch.setattr(model, "_coder", SimpleNamespace(decode=decode))
    with (GOLDEN / f"{name}.ssf").open("rb") as file:
        reader = Reader(file)
        size = (reader.header.video.height, reader.header.video.width)
        packets = [
            packet
            for packet in reader
            if isinstance(packet, Packet) and packet.type == PacketType.FRAME
        ]
    gops = [[p.payload for p in gop] for _, gop in groupby(packets, key=lambda p: p.gop)]
    with using_threads(threads):
        decoded = [
            frame for gop in gops for frame in iter_decode_gop(Codec(intra, inter), gop, size)
        ]
    assert [digest_of(frame.planes()) for frame in decoded] == expected_planes(name)
    types = ["I" if packet.key else "B" if packet.b_frame else "P" for packet in packets]
    assert "".join(types) == NATIVE[name]


@pytest.mark.parametrize("name", NATIVE)
def test_native_stream_opens(name: str) -> None:
    path = GOLDEN / f"{name}.ssf"
    with streamcodec.open(path) as video:
        assert [digest_of(frame.planes) for frame in video] == expected_planes(name)
    assert streamcodec.verify(path).exact_gops == 2


def test_stream_of_every_release_decodes_by_the_weights_that_are_shipped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("STREAMCODEC_WEIGHTS")
    for release in RELEASES:
        wanted = json.loads((GOLDEN / f"{release}.json").read_text())["planes_sha256"]
        with streamcodec.open(GOLDEN / f"{release}.ssf") as video:
            assert [digest_of(frame.planes) for frame in video] == wanted, release


def test_every_release_of_the_change_log_has_a_golden_stream() -> None:
    """tools/golden/make_golden_codec.py --release makes it, when the heading of the release is written."""
    changes = (Path(__file__).parents[2] / "CHANGELOG.md").read_text()
    released = re.findall(r"^## (\d+\.\d+\.\d+)", changes, re.MULTILINE)
    assert {f"release-{version}" for version in released} <= set(RELEASES)


@pytest.mark.parametrize("version", ["v1.0"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_zoo_stream_decodes_to_the_same_symbols(
    version: str, precision: Precision, symbols_of
) -> None:
    codec = streamcodec.load_codec("golden-image", "golden-flow", device="cpu", precision=precision)
    with (GOLDEN / f"{version}-zoo.ssf").open("rb") as file:
        packets = [packet for packet in Reader(file) if isinstance(packet, Packet)]
    gops = [
        [packet.payload for packet in group if packet.type == PacketType.FRAME]
        for _, group in groupby(packets, key=lambda packet: packet.gop)
    ]
    with symbols_of.recording("decode") as symbols:
        frames = np.concatenate(
            [
                streamcodec.decode_gop(codec, payloads, SIZE).data.numpy()
                for payloads in gops
                if payloads
            ]
        )
    digest = hashlib.sha256(
        b"".join(block.numpy().astype("<i4").tobytes() for block in symbols)
    ).hexdigest()
    assert digest == json.loads((GOLDEN / f"{version}-zoo.json").read_text())["symbols_sha256"]
    assert sum(int(block.count_nonzero()) for block in symbols) > 300
    expected = np.load(GOLDEN / f"{version}-zoo.npy")
    assert frames.shape == expected.shape
    difference = np.abs(frames.astype(int) - expected)
    assert difference.mean() < (0.05 if precision == "fp32" else 2)


def test_zoo_encodes_to_the_same_symbols(symbols_of) -> None:
    """The other direction on this machine: what the encoder writes today decodes to what it meant."""
    codec = streamcodec.load_codec("golden-image", "golden-flow", device="cpu")
    clip = torch.from_numpy(np.load(GOLDEN / "v1.0-zoo.npy"))[:3]
    for precision in ("fp32", "bf16"):
        chosen = replace(codec, precision=precision)
        with symbols_of.recording("encode") as written:
            coded = streamcodec.encode_gop(chosen, clip, 63)
        with symbols_of.recording("decode") as read:
            streamcodec.decode_gop(codec, coded.payloads, SIZE)
        assert all(torch.equal(a, b) for a, b in zip(written, read, strict=True))
