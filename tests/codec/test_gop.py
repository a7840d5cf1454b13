from dataclasses import replace

import pytest
import torch

from streamcodec.codec import Codec, GopDigest, decode_gop, encode_gop
from streamcodec.errors import UsageError
from streamcodec.types import Precision


@pytest.fixture
def clip() -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    base = torch.randint(0, 256, (3, 48, 80), generator=generator, dtype=torch.uint8)
    return torch.stack([base.roll(shift, dims=2) for shift in range(4)])


def test_decoded_gop_is_the_reconstruction(tiny_codec: Codec, clip: torch.Tensor) -> None:
    coded = encode_gop(tiny_codec, clip, 32)
    assert coded.reconstruction.shape == clip.shape
    assert torch.equal(decode_gop(tiny_codec, coded.payloads, (48, 80)), coded.reconstruction)
    assert torch.equal(decode_gop(tiny_codec, coded.payloads[:2], (48, 80)), coded.reconstruction[:2])


def test_encoding_is_deterministic(tiny_codec: Codec, clip: torch.Tensor) -> None:
    assert encode_gop(tiny_codec, clip, 32).payloads == encode_gop(tiny_codec, clip, 32).payloads


def test_frames_of_an_intra_codec_stand_alone(tiny_codec: Codec, clip: torch.Tensor) -> None:
    codec = replace(tiny_codec, inter=None)
    coded = encode_gop(codec, clip, 32)
    assert torch.equal(decode_gop(codec, coded.payloads[2:3], (48, 80))[0], coded.reconstruction[2])


@pytest.mark.parametrize("written", ["fp32", "bf16"])
@pytest.mark.parametrize("read", ["fp32", "bf16"])
@pytest.mark.parametrize("threads", [1, 2])
def test_symbols_decode_in_any_arithmetic(
    tiny_codec: Codec, clip: torch.Tensor, symbols_of, written: Precision, read: Precision, threads: int
) -> None:
    """The streams decode to identical symbols whatever the precision and the number of threads; only pixels may differ a little."""
    coded = encode_gop(replace(tiny_codec, precision=written), clip, 40)
    with symbols_of.recording("encode") as encoded:
        encode_gop(replace(tiny_codec, precision=written), clip, 40)
    torch.set_num_threads(threads)
    try:
        with symbols_of.recording("decode") as decoded:
            decode_gop(replace(tiny_codec, precision=read), coded.payloads, (48, 80))
    finally:
        torch.set_num_threads(1)
    assert len(decoded) == len(encoded) > 0
    assert all(torch.equal(a, b) for a, b in zip(encoded, decoded, strict=True))


@pytest.mark.parametrize("shape", [(0, 3, 16, 16), (3, 16, 16)])
def test_encode_gop_fails_for_other_shapes(tiny_codec: Codec, shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="accepted"):
        encode_gop(tiny_codec, torch.zeros(shape, dtype=torch.uint8), 32)


def test_decode_gop_fails_without_payloads(tiny_codec: Codec) -> None:
    with pytest.raises(UsageError, match="at least one"):
        decode_gop(tiny_codec, [], (16, 16))


def test_digest_depends_on_every_pixel(clip: torch.Tensor) -> None:
    digests = set()
    for frames in (clip, clip[:3], clip.flip(0)):
        digest = GopDigest()
        for frame in frames:
            digest.add(frame)
        digests.add(digest.digest())
    assert len(digests) == 3
    assert all(len(digest) == 16 for digest in digests)
