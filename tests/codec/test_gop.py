from dataclasses import replace

import numpy as np
import pytest
import torch

from streamcodec.codec import Codec, GopDigest, decode_gop, encode_gop
from streamcodec.errors import UsageError
from streamcodec.runtime import using_threads
from streamcodec.types import ColorSpec, Precision
from streamcodec.video import to_rgb, to_yuv420


@pytest.fixture
def clip() -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    base = torch.randint(0, 256, (3, 48, 80), generator=generator, dtype=torch.uint8)
    return torch.stack([base.roll(shift, dims=2) for shift in range(4)])


def test_decoded_gop_is_the_reconstruction(tiny_codec: Codec, clip: torch.Tensor) -> None:
    coded = encode_gop(tiny_codec, clip, 32)
    assert coded.reconstruction.data.shape == clip.shape
    assert len(coded.reconstruction) == len(clip)
    assert torch.equal(
        decode_gop(tiny_codec, coded.payloads, (48, 80)).data, coded.reconstruction.data
    )
    assert np.array_equal(
        decode_gop(tiny_codec, coded.payloads[:2], (48, 80)).array, coded.reconstruction.array[:2]
    )


def test_encoding_is_deterministic(tiny_codec: Codec, clip: torch.Tensor) -> None:
    assert encode_gop(tiny_codec, clip, 32).payloads == encode_gop(tiny_codec, clip, 32).payloads


def test_frames_of_an_intra_codec_stand_alone(tiny_codec: Codec, clip: torch.Tensor) -> None:
    codec = replace(tiny_codec, inter=None)
    coded = encode_gop(codec, clip, 32)
    assert torch.equal(
        decode_gop(codec, coded.payloads[2:3], (48, 80)).data[0], coded.reconstruction.data[2]
    )


def test_planes_and_rgb_are_taken_by_both_kinds(tiny_codec: Codec, clip: torch.Tensor) -> None:
    """What the codec does not code is converted by the colour, here and in the RGB view."""
    color = ColorSpec(matrix=1, full_range=True)
    planes = tuple(
        np.stack(plane)
        for plane in zip(*(to_yuv420(frame, color) for frame in clip.numpy()), strict=True)
    )
    rgb = np.stack([to_rgb((y, u, v), color) for y, u, v in zip(*planes, strict=True)])
    given = (planes, rgb) if tiny_codec.frame_format == "rgb" else (clip, planes)
    one, other = (encode_gop(tiny_codec, frames, 40, color=color) for frames in given)
    assert one.payloads == other.payloads
    assert np.array_equal(
        decode_gop(tiny_codec, one.payloads, (48, 80), color=color).array, one.reconstruction.array
    )


@pytest.mark.parametrize("written", ["fp32", "bf16"])
@pytest.mark.parametrize("read", ["fp32", "bf16"])
@pytest.mark.parametrize("threads", [1, 2])
def test_symbols_decode_in_any_arithmetic(
    zoo_codec: Codec,
    clip: torch.Tensor,
    symbols_of,
    written: Precision,
    read: Precision,
    threads: int,
) -> None:
    """The streams decode to identical symbols whatever the precision and the number of threads; only pixels may differ a little."""
    coded = encode_gop(replace(zoo_codec, precision=written), clip, 40)
    with symbols_of.recording("encode") as encoded:
        encode_gop(replace(zoo_codec, precision=written), clip, 40)
    torch.set_num_threads(threads)
    try:
        with symbols_of.recording("decode") as decoded:
            decode_gop(replace(zoo_codec, precision=read), coded.payloads, (48, 80))
    finally:
        torch.set_num_threads(1)
    assert len(decoded) == len(encoded) > 0
    assert all(torch.equal(a, b) for a, b in zip(encoded, decoded, strict=True))


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_nothing_of_native_models(
    native_codec: Codec, clip: torch.Tensor, threads: int
) -> None:
    coded = encode_gop(native_codec, clip, 40)
    with using_threads(threads):
        assert encode_gop(native_codec, clip, 40).payloads == coded.payloads
        assert np.array_equal(
            decode_gop(native_codec, coded.payloads, (48, 80)).array, coded.reconstruction.array
        )


@pytest.mark.parametrize("shape", [(0, 3, 16, 16), (3, 16, 16)])
def test_encode_gop_fails_for_other_shapes(tiny_codec: Codec, shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="accepted"):
        encode_gop(tiny_codec, torch.zeros(shape, dtype=torch.uint8), 32)
    with pytest.raises(UsageError, match="accepted"):
        encode_gop(tiny_codec, np.zeros(shape, np.float32), 32)
    with pytest.raises(UsageError, match="accepted"):
        encode_gop(tiny_codec, (np.zeros(shape, np.uint8),) * 3, 32)


def test_decode_gop_fails_without_payloads(tiny_codec: Codec) -> None:
    with pytest.raises(UsageError, match="at least one"):
        decode_gop(tiny_codec, [], (16, 16))


def test_digest_depends_on_every_pixel(clip: torch.Tensor) -> None:
    digests = set()
    for frames in (clip, clip[:3], clip.flip(0)):
        digest = GopDigest()
        for frame in frames:
            digest.add((frame.numpy(),))
        digests.add(digest.digest())
    assert len(digests) == 3
    assert all(len(digest) == 16 for digest in digests)
