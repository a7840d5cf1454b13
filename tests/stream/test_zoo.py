"""Streams of the published models: a video is coded, decoded, sought in and verified as with the default ones."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import streamcodec
from streamcodec.container import Packet, PacketType, Reader
from streamcodec.types import Precision
from streamcodec.video import VideoReader

from .conftest import Coded, encoded_by

pytestmark = pytest.mark.usefixtures("tiny_models")


@pytest.fixture(scope="module")
def coded(zoo_codec: streamcodec.Codec) -> Coded:
    return encoded_by(zoo_codec)


def test_decoded_frames_are_the_encoders(coded: Coded) -> None:
    with streamcodec.open(coded.data) as video:
        assert (len(video), video.metadata.frame_format) == (10, "rgb")
        frames = list(video)
        assert [frame.type for frame in frames] == ["I", "P", "P", "P"] * 2 + ["I", "P"]
        assert [frame.pts for frame in frames] == list(coded.pts)
        assert torch.equal(torch.stack([frame.data for frame in frames]), coded.frames)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_streams_are_decoded_in_the_precision_of_their_encoder(
    zoo_codec: streamcodec.Codec, precision: Precision
) -> None:
    """In another one the pictures of a GOP would drift away, without an error."""
    coded = encoded_by(replace(zoo_codec, precision=precision))
    with streamcodec.open(coded.data) as video:
        assert torch.equal(torch.stack([frame.data for frame in video]), coded.frames)
    assert streamcodec.verify(coded.data).exact_gops == 3
    with pytest.raises(TypeError, match="precision"):
        streamcodec.open(coded.data, precision=precision)


@pytest.mark.parametrize("index", [9, 0, 5, 4, 3, -1])
def test_seeking_gives_what_straight_decoding_does(coded: Coded, index: int) -> None:
    with streamcodec.open(coded.data) as video:
        assert torch.equal(video[index].data, coded.frames[index])


def test_a_gop_depends_on_nothing_outside_it(coded: Coded, zoo_codec: streamcodec.Codec) -> None:
    packets = [packet for packet in Reader(io.BytesIO(coded.data)) if isinstance(packet, Packet)]
    payloads = [
        packet.payload for packet in packets if packet.type == PacketType.FRAME and packet.gop == 1
    ]
    assert torch.equal(
        streamcodec.decode_gop(zoo_codec, payloads, (37, 53)).data, coded.frames[4:8]
    )


def test_damage_costs_the_rest_of_its_gop(coded: Coded) -> None:
    data = bytearray(coded.data)
    data[coded.index.entries[1].offset + 100] ^= 0xFF
    with streamcodec.open(bytes(data), on_damage="skip") as video:
        whole = [frame for frame in video if not 4 <= coded.pts.index(frame.pts) < 8]
    assert [frame.pts for frame in whole] == [*coded.pts[:4], *coded.pts[8:]]
    assert torch.equal(
        torch.stack([frame.data for frame in whole]),
        torch.cat((coded.frames[:4], coded.frames[8:])),
    )


def test_verify_finds_the_same_pixels(coded: Coded) -> None:
    report = streamcodec.verify(coded.data)
    assert (report.ok, report.frames, report.exact_gops, report.inexact_gops) == (True, 10, 3, ())


def test_a_file_there_and_back(clip: Path, tmp_path: Path) -> None:
    report = streamcodec.encode(
        clip,
        tmp_path / "a.ssf",
        max_frames=5,
        gop=3,
        psnr=True,
        intra="tiny-image",
        inter="tiny-flow",
    )
    assert report.psnr_db is not None
    assert report.frame_format == "rgb"
    streamcodec.decode(tmp_path / "a.ssf", tmp_path / "a.mkv")
    with VideoReader(tmp_path / "a.mkv") as reader, streamcodec.open(tmp_path / "a.ssf") as video:
        shown = [frame.planes[0] for frame in reader]
        assert len(shown) == len(video) == 5
        assert all(
            np.abs(a.astype(int) - b.array).mean() < 12 for a, b in zip(shown, video, strict=True)
        )
