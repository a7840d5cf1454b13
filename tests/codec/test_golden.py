"""Streams of every format version, kept for ever. tools/golden/make_golden_codec.py made them.

Those of the default kind decode to the pictures that were written, those of the published models to the symbols.
"""

import hashlib
import json
import re
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
import torch

import streamcodec
from streamcodec import _native
from streamcodec.codec.dct_weights import load_dct_weights
from streamcodec.container import Packet, PacketType, Reader
from streamcodec.types import Planes, Precision

GOLDEN = Path(__file__).with_name("golden")
NATIVE = ["v1.0-native", "v1.1-native", "v1.1-native-2"]
"""The last digit: the format of the weights, 1 if there is none."""
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
    name: str, instruction_set: str, threads: int
) -> None:
    """Scalar, AVX2 and AVX-512, as far as this processor has them."""
    prefix = "golden-2" if name.endswith("-2") else "golden"
    intra, inter = (
        load_dct_weights(GOLDEN / f"{prefix}-{kind}.safetensors").native()
        for kind in ("intra", "inter")
    )
    with (GOLDEN / f"{name}.ssf").open("rb") as file:
        packets = [
            packet
            for packet in Reader(file)
            if isinstance(packet, Packet) and packet.type == PacketType.FRAME
        ]
    found, reference = [], None
    for packet in packets:
        model = intra if packet.key else inter
        before = None if packet.key else reference
        reference = model.decode(
            packet.payload, SIZE, before, threads=threads, instruction_set=instruction_set
        )
        found.append(digest_of(reference.planes()))
    assert found == expected_planes(name)
    assert [packet.key for packet in packets] == [True, False, False, True, False]


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
