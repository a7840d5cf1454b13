from dataclasses import replace

import numpy as np
import pytest
import torch

from streamcodec.codec import Codec, decode_frame, encode_frame
from streamcodec.errors import CorruptStreamError, StreamCodecError, UsageError
from streamcodec.types import ColorSpec, Planes
from streamcodec.video import to_yuv420


def picture(codec: Codec, height: int, width: int, shift: int = 0) -> Planes:
    rows, columns = np.arange(height)[:, None], np.arange(width)[None] + 3 * shift
    rgb = np.stack([(rows * 2 + columns * k) % 256 for k in (1, 3, 5)]).astype(np.uint8)
    return (rgb,) if codec.frame_format == "rgb" else to_yuv420(rgb, ColorSpec())


def equal(a: Planes, b: Planes) -> bool:
    return all(np.array_equal(first, second) for first, second in zip(a, b, strict=True))


@pytest.mark.parametrize("size", [(16, 16), (1, 1), (37, 53), (64, 48)])
@pytest.mark.parametrize("quality", [0, 31, 63])
def test_decoder_gives_the_encoders_reconstruction(
    tiny_codec: Codec, size: tuple[int, int], quality: int
) -> None:
    frame, second = picture(tiny_codec, *size), picture(tiny_codec, *size, shift=1)
    key = encode_frame(tiny_codec, frame, None, quality)
    delta = encode_frame(tiny_codec, second, key.reference, quality)
    decoded = decode_frame(tiny_codec, key.payload, None, size)
    assert [(plane.shape, plane.dtype) for plane in decoded.planes()] == [
        (plane.shape, np.uint8) for plane in frame
    ]
    assert equal(decoded.planes(), key.planes)
    assert equal(decode_frame(tiny_codec, delta.payload, decoded, size).planes(), delta.planes)


def test_payload_begins_with_its_quality(tiny_codec: Codec) -> None:
    assert encode_frame(tiny_codec, picture(tiny_codec, 16, 16), None, 41).payload[0] == 41


PLANE = np.zeros((16, 16), np.uint8)


@pytest.mark.parametrize(
    "frame",
    [
        (PLANE.astype(np.float32),) * 3,
        (PLANE,) * 3,
        (PLANE, PLANE[:8, :8]),
        (np.zeros((1, 16, 16), np.uint8),),
        (np.zeros((3, 0, 16), np.uint8),),
        (torch.zeros(3, 16, 16, dtype=torch.uint8),),
        np.zeros((3, 16, 16), np.uint8),
        (),
    ],
)
def test_encode_fails_for_other_frames(tiny_codec: Codec, frame: Planes) -> None:
    with pytest.raises(UsageError, match="accepted"):
        encode_frame(tiny_codec, frame, None, 32)


def test_frames_of_the_other_format_fail(zoo_codec: Codec, native_codec: Codec) -> None:
    for codec, other in ((zoo_codec, native_codec), (native_codec, zoo_codec)):
        with pytest.raises(UsageError, match="accepted"):
            encode_frame(codec, picture(other, 16, 16), None, 32)


@pytest.mark.parametrize("quality", [-1, 64, 3.5, True])
def test_encode_fails_for_other_qualities(tiny_codec: Codec, quality: int) -> None:
    with pytest.raises(UsageError, match=r"quality is .*; accepted"):
        encode_frame(tiny_codec, picture(tiny_codec, 16, 16), None, quality)


@pytest.mark.parametrize("payload", [b"", b"\x40", b"\x20"])
def test_decode_fails_for_short_payloads(tiny_codec: Codec, payload: bytes) -> None:
    with pytest.raises(CorruptStreamError):
        decode_frame(tiny_codec, payload, None, (16, 16))


def test_decode_fails_for_any_cut(tiny_codec: Codec) -> None:
    payload = encode_frame(tiny_codec, picture(tiny_codec, 32, 32), None, 63).payload
    for size in range(len(payload)):
        with pytest.raises(CorruptStreamError):
            decode_frame(tiny_codec, payload[:size], None, (32, 32))


@pytest.mark.slow
def test_damaged_payload_never_leaves_the_error_tree(tiny_codec: Codec) -> None:
    payload = encode_frame(tiny_codec, picture(tiny_codec, 48, 48), None, 63).payload
    detected = 0
    for position in range(1, len(payload)):
        damaged = bytearray(payload)
        damaged[position] ^= 0x55
        try:
            decode_frame(tiny_codec, bytes(damaged), None, (48, 48))
        except StreamCodecError:
            detected += 1
    assert detected > 0.9 * (len(payload) - 1)


def test_other_references_fail(tiny_codec: Codec, zoo_codec: Codec, native_codec: Codec) -> None:
    frame, wider = picture(tiny_codec, 16, 16), picture(tiny_codec, 16, 18)
    other = native_codec if tiny_codec.frame_format == "rgb" else zoo_codec
    payload = encode_frame(
        tiny_codec, frame, encode_frame(tiny_codec, frame, None, 32).reference, 32
    ).payload
    for reference in (
        encode_frame(tiny_codec, wider, None, 32).reference,
        encode_frame(other, picture(other, 16, 16), None, 32).reference,
        frame,
    ):
        with pytest.raises(UsageError, match="reference"):
            encode_frame(tiny_codec, frame, reference, 32)  # type: ignore[arg-type]
        with pytest.raises(UsageError, match="reference"):
            decode_frame(tiny_codec, payload, reference, (16, 16))  # type: ignore[arg-type]


def test_planes_belong_to_the_caller(tiny_codec: Codec) -> None:
    first, second = picture(tiny_codec, 16, 16), picture(tiny_codec, 16, 16, shift=1)
    coded = encode_frame(tiny_codec, first, None, 32)
    expected = encode_frame(tiny_codec, second, coded.reference, 32).payload
    for plane in (*coded.planes, *coded.reference.planes()):
        plane[:] = 7
    assert encode_frame(tiny_codec, second, coded.reference, 32).payload == expected


def test_size_that_the_payload_does_not_pay_for_fails_early(tiny_codec: Codec) -> None:
    payload = encode_frame(tiny_codec, picture(tiny_codec, 48, 48), None, 63).payload
    with pytest.raises(CorruptStreamError):
        decode_frame(tiny_codec, payload, None, (4096, 4096))


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
        torch.cuda.OutOfMemoryError("x"),
    ],
)
def test_lack_of_memory_is_in_the_error_tree(
    zoo_codec: Codec, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(zoo_codec.intra.model, "code", fail)  # type: ignore[attr-defined]
    with pytest.raises(StreamCodecError, match="not enough memory for a frame of 20x16"):
        encode_frame(zoo_codec, picture(zoo_codec, 16, 20), None, 32)


def test_lack_of_memory_in_native_models_is_too(
    native_codec: Codec, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Small:
        def encode(self, *_: object, **__: object) -> None:
            raise MemoryError

        decode = encode

    monkeypatch.setattr(native_codec.intra, "_coder", Small())
    with pytest.raises(StreamCodecError, match="not enough memory for a frame of 20x16"):
        encode_frame(native_codec, picture(native_codec, 16, 20), None, 32)
    with pytest.raises(StreamCodecError, match="not enough memory for a frame of 20x16"):
        decode_frame(native_codec, b"\x20", None, (16, 20))


def test_callers_arithmetic_does_not_matter(zoo_codec: Codec) -> None:
    frame = picture(zoo_codec, 32, 32)
    expected = encode_frame(zoo_codec, frame, None, 50)
    with torch.autocast("cpu", torch.bfloat16):
        found = encode_frame(zoo_codec, frame, None, 50)
    assert found.payload == expected.payload
    assert equal(found.planes, expected.planes)


def test_without_an_inter_model_every_frame_is_an_i_frame(tiny_codec: Codec) -> None:
    frame = picture(tiny_codec, 16, 16)
    codec = replace(tiny_codec, inter=None)
    first = encode_frame(codec, frame, None, 32)
    second = encode_frame(codec, frame, first.reference, 32)
    assert second.payload == first.payload
    shown = decode_frame(codec, second.payload, first.reference, (16, 16)).planes()
    assert equal(shown, first.planes)


def test_models_in_the_wrong_place_are_refused(tiny_codec: Codec) -> None:
    assert tiny_codec.inter is not None
    with pytest.raises(UsageError, match="does not code I-frames"):
        replace(tiny_codec, intra=tiny_codec.inter)
    with pytest.raises(UsageError, match="does not code P-frames"):
        replace(tiny_codec, inter=tiny_codec.intra)


def test_models_of_two_formats_are_refused(zoo_codec: Codec, native_codec: Codec) -> None:
    with pytest.raises(UsageError, match="two of one format"):
        replace(native_codec, inter=zoo_codec.inter)
