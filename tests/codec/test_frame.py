from dataclasses import replace

import pytest
import torch

from streamcodec.codec import Codec, decode_frame, encode_frame
from streamcodec.errors import CorruptStreamError, StreamCodecError, UsageError


def picture(height: int, width: int, shift: int = 0) -> torch.Tensor:
    rows, columns = torch.arange(height)[:, None], torch.arange(width)[None] + 3 * shift
    return torch.stack([(rows * 2 + columns * k) % 256 for k in (1, 3, 5)]).to(torch.uint8)


@pytest.mark.parametrize("size", [(16, 16), (1, 1), (37, 53), (64, 48)])
@pytest.mark.parametrize("quality", [0, 31, 63])
def test_decoder_gives_the_encoders_reconstruction(tiny_codec: Codec, size: tuple[int, int], quality: int) -> None:
    key = encode_frame(tiny_codec, picture(*size), None, quality)
    delta = encode_frame(tiny_codec, picture(*size, shift=1), key.reconstruction, quality)
    decoded = decode_frame(tiny_codec, key.payload, None, size)
    assert decoded.shape == (3, *size)
    assert decoded.dtype == torch.uint8
    assert torch.equal(decoded, key.reconstruction)
    assert torch.equal(decode_frame(tiny_codec, delta.payload, decoded, size), delta.reconstruction)


def test_payload_begins_with_its_quality(tiny_codec: Codec) -> None:
    assert encode_frame(tiny_codec, picture(16, 16), None, 41).payload[0] == 41


@pytest.mark.parametrize(
    "frame", [torch.zeros(3, 16, 16), torch.zeros(1, 16, 16, dtype=torch.uint8), torch.zeros(3, 0, 16, dtype=torch.uint8)]
)
def test_encode_fails_for_other_frames(tiny_codec: Codec, frame: torch.Tensor) -> None:
    with pytest.raises(UsageError, match="accepted"):
        encode_frame(tiny_codec, frame, None, 32)


@pytest.mark.parametrize("quality", [-1, 64, 3.5, True])
def test_encode_fails_for_other_qualities(tiny_codec: Codec, quality: int) -> None:
    with pytest.raises(UsageError, match=r"quality is .*; accepted"):
        encode_frame(tiny_codec, picture(16, 16), None, quality)


@pytest.mark.parametrize("payload", [b"", b"\x40", b"\x20"])
def test_decode_fails_for_short_payloads(tiny_codec: Codec, payload: bytes) -> None:
    with pytest.raises(CorruptStreamError):
        decode_frame(tiny_codec, payload, None, (16, 16))


def test_decode_fails_for_any_cut(tiny_codec: Codec) -> None:
    payload = encode_frame(tiny_codec, picture(48, 48), None, 63).payload
    for size in range(len(payload)):
        with pytest.raises(CorruptStreamError):
            decode_frame(tiny_codec, payload[:size], None, (48, 48))


def test_damaged_payload_never_leaves_the_error_tree(tiny_codec: Codec) -> None:
    payload = encode_frame(tiny_codec, picture(48, 48), None, 63).payload
    detected = 0
    for position in range(1, len(payload)):
        damaged = bytearray(payload)
        damaged[position] ^= 0x55
        try:
            decode_frame(tiny_codec, bytes(damaged), None, (48, 48))
        except StreamCodecError:
            detected += 1
    assert detected > 0.9 * (len(payload) - 1)


@pytest.mark.parametrize("reference", [torch.zeros(3, 16, 17, dtype=torch.uint8), torch.zeros(3, 16, 16)])
def test_other_references_fail(tiny_codec: Codec, reference: torch.Tensor) -> None:
    payload = encode_frame(tiny_codec, picture(16, 16), picture(16, 16), 32).payload
    with pytest.raises(UsageError, match="reference is"):
        encode_frame(tiny_codec, picture(16, 16), reference, 32)
    with pytest.raises(UsageError, match="reference is"):
        decode_frame(tiny_codec, payload, reference, (16, 16))


def test_decoded_frames_are_ordinary_tensors(tiny_codec: Codec) -> None:
    coded = encode_frame(tiny_codec, picture(16, 16), None, 32)
    decoded = decode_frame(tiny_codec, coded.payload, None, (16, 16))
    for frame in (coded.reconstruction, decoded):
        assert not frame.is_inference()
        frame.clamp_(10, 20)


def test_size_that_the_payload_does_not_pay_for_fails_early(tiny_codec: Codec) -> None:
    payload = encode_frame(tiny_codec, picture(48, 48), None, 63).payload
    with pytest.raises(CorruptStreamError):
        decode_frame(tiny_codec, payload, None, (16384, 16384))


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory"), torch.cuda.OutOfMemoryError("x")]
)
def test_lack_of_memory_is_in_the_error_tree(tiny_codec: Codec, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(tiny_codec.intra.model, "code", fail)
    with pytest.raises(StreamCodecError, match="memory does not suffice for a frame of 20x16"):
        encode_frame(tiny_codec, picture(16, 20), None, 32)


def test_callers_arithmetic_does_not_matter(tiny_codec: Codec) -> None:
    expected = encode_frame(tiny_codec, picture(32, 32), None, 50)
    with torch.autocast("cpu", torch.bfloat16):
        found = encode_frame(tiny_codec, picture(32, 32), None, 50)
    assert found.payload == expected.payload
    assert torch.equal(found.reconstruction, expected.reconstruction)


def test_p_frame_needs_an_inter_model(tiny_codec: Codec) -> None:
    with pytest.raises(UsageError, match="I-frames only"):
        encode_frame(replace(tiny_codec, inter=None), picture(16, 16), picture(16, 16), 32)


def test_models_in_the_wrong_place_are_refused(tiny_codec: Codec) -> None:
    assert tiny_codec.inter is not None
    with pytest.raises(UsageError, match="does not code I-frames"):
        replace(tiny_codec, intra=tiny_codec.inter)
    with pytest.raises(UsageError, match="does not code P-frames"):
        replace(tiny_codec, inter=tiny_codec.intra)
