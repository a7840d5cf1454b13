import io

import pytest
import torch

import streamcodec
from streamcodec import EncodeOptions
from streamcodec.container import PacketType, Reader
from streamcodec.errors import UsageError


def qualities(stream: bytes) -> list[int]:
    """The quality in the first byte of every frame's payload."""
    return [
        packet.payload[0]
        for packet in Reader(io.BytesIO(stream))
        if packet.type is PacketType.FRAME
    ]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"quality": 40, "gop": 3}, [48, 40, 40, 48, 40]),
        ({"quality": 40, "gop": 16}, [48, 40, 40, 40, 40]),
        ({"quality": 40, "gop": 17}, [56, 40, 40, 40, 40]),
        ({"quality": 60, "gop": 3}, [63, 60, 60, 63, 60]),
        ({"quality": 40, "gop": 3, "intra_offset": 0}, [40] * 5),
        ({"quality": 3, "gop": 3, "intra_offset": -5}, [0, 3, 3, 0, 3]),
        ({"quality": 40, "gop": 1}, [40] * 5),
        ({"quality": 40, "inter": "none"}, [40] * 5),
    ],
)
def test_key_frames_are_coded_at_their_offset(settings, expected, tiny_models) -> None:
    base = torch.randint(
        0, 256, (3, 32, 48), generator=torch.Generator().manual_seed(2), dtype=torch.uint8
    )
    out = io.BytesIO()
    streamcodec.encode(
        [base.roll(shift, dims=1) for shift in range(5)],
        out,
        scenecut=0,
        b_frames=0,
        **{**tiny_models, **settings},
    )
    assert qualities(out.getvalue()) == expected


@pytest.mark.parametrize(
    ("settings", "refreshed"),
    [
        ({"gop": 70}, [52, 52]),
        ({"gop": 70, "quality": 55}, [63, 63]),
        ({"gop": 70, "intra_offset": 5}, [45, 45]),
        ({"gop": 70, "intra_offset": 0}, [40, 40]),
        ({"gop": 70, "intra_offset": -5}, [40, 40]),
        ({"gop": 34}, [52, 40]),
        ({"gop": 32}, [56, 56]),
    ],
)
def test_long_gops_have_better_p_frames(settings, refreshed, tiny_models) -> None:
    """Frames 32 and 64; all others but I-frames are as they were asked for."""
    frame = torch.zeros((3, 16, 16), dtype=torch.uint8)
    out = io.BytesIO()
    settings = {"quality": 40, **settings}
    streamcodec.encode([frame] * 68, out, scenecut=0, b_frames=0, **{**tiny_models, **settings})
    found = qualities(out.getvalue())
    assert [found[32], found[64]] == refreshed
    usual = [q for n, q in enumerate(found) if n % settings["gop"] % 32]
    assert set(usual) == {settings["quality"]}


@pytest.mark.parametrize("offset", [64, -64, 1.5, True, "8"])
def test_intra_offset_fails(offset) -> None:
    with pytest.raises(UsageError, match="intra offset is"):
        EncodeOptions(intra_offset=offset)
