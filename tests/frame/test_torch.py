"""The default models by PyTorch against the native ones: every pixel the same."""

import numpy as np
import pytest
import torch

from streamcodec import _native
from streamcodec.codec import (
    Between,
    Codec,
    Reference,
    decode_frame,
    encode_frame,
    iter_decode_gop,
)
from streamcodec.codec.dct_torch import TorchModel
from streamcodec.codec.dct_torch.blocks import (
    forward_transform,
    hadamard_transform,
    inverse_transform,
)
from streamcodec.codec.dct_torch.motion import predict
from streamcodec.codec.dct_torch.reference import TorchReference
from streamcodec.codec.dct_weights import DctWeights, load_dct_weights
from streamcodec.codec.model import Running
from streamcodec.codec.native_model import native_model_of
from streamcodec.errors import CorruptStreamError, StreamCodecError, UsageError
from streamcodec.weights import PACKAGED
from support.b_frames import SIZE, coded_gop

from ..motion.samples import random_field
from .any_symbols import any_frames
from .pictures import HADAMARD, assert_planes_equal, picture, weights_of
from .transforms import Planes, mixed, transform, untransform

pytestmark = pytest.mark.slow

Pair = tuple[DctWeights, DctWeights]
RUNNING = Running()


@pytest.fixture(scope="module", params=["shipped", "random", "hadamard"])
def weights(request: pytest.FixtureRequest) -> Pair:
    if request.param != "shipped":
        channels = HADAMARD if request.param == "hadamard" else ()
        return weights_of("intra"), weights_of("inter", hadamard=channels)
    intra, inter = (PACKAGED / f"dct-{kind}.safetensors" for kind in ("intra", "inter"))
    return load_dct_weights(intra), load_dct_weights(inter)


@pytest.fixture(params=["cpu", "cuda"])
def device(request: pytest.FixtureRequest) -> str:
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("no GPU here")
    name: str = request.param
    return name


def models_on(device: str, weights: Pair) -> tuple[TorchModel, TorchModel]:
    intra, inter = (TorchModel(each.kind, each, device) for each in weights)
    return intra, inter


def code(weights: Pair, frames: list[Planes], quality: int) -> tuple[list[bytes], list[Planes]]:
    models = [each.native() for each in weights]
    payloads, planes = [], []
    reference: _native.Reference | None = None
    for number, frame in enumerate(frames):
        payload, reference = models[min(number, 1)].encode(frame, quality, reference)
        payloads.append(payload)
        planes.append(reference.planes())
    return payloads, planes


@pytest.mark.parametrize(
    ("size", "quality", "count"),
    [((48, 80), 40, 33), ((33, 51), 0, 33), ((70, 130), 63, 4), ((17, 1), 30, 4), ((1, 1), 30, 3)],
)
def test_decodes_as_the_native_models(
    device: str, weights: Pair, size: tuple[int, int], quality: int, count: int
) -> None:
    models = models_on(device, weights)
    payloads, expected = code(weights, [picture(*size, time) for time in range(count)], quality)
    reference = None
    for number, (payload, planes) in enumerate(zip(payloads, expected, strict=True)):
        reference = models[min(number, 1)].decode(payload, size, reference, RUNNING)
        assert_planes_equal(reference.planes(), planes)


def test_decodes_b_frames_as_the_native_models(device: str, weights: Pair) -> None:
    models = (native_model_of(each.kind, each) for each in weights)
    coded = list(coded_gop(Codec(*models), (7, 0, 2)))
    payloads = [frame.payload for frame in coded]
    decoded = iter_decode_gop(Codec(*models_on(device, weights)), payloads, SIZE)
    for reference, frame in zip(decoded, coded, strict=True):
        assert isinstance(reference, TorchReference)
        assert_planes_equal(reference.planes(), frame.planes)


def test_b_frames_lie_between_frames_from_anywhere(device: str, weights: Pair) -> None:
    """Encoded on the CPU or decoded on the device: the same bytes and pixels."""
    codec = Codec(*models_on(device, weights))
    encoded: list[Reference] = []
    decoded: list[Reference] = []
    between = (  # of two P-frames, and of that B-frame and each of them
        lambda past, future: Between(past[1], future[2], 2, 2, True),
        lambda past, future: Between(past[1], future[3], 1, 1, True),
        lambda past, future: Between(past[3], future[2], 1, 1, False),
    )
    for number, time in enumerate((0, 1, 5, 3, 2, 4)):
        both, references = (encoded, decoded), []
        if number == 0:
            references = [None]
        elif number < 3:
            references = [each[-1] for each in both]
        else:
            references = [between[number - 3](past, future) for past in both for future in both]
        frame = picture(*SIZE, time)
        coded = [encode_frame(codec, frame, reference, 35) for reference in references]
        payload, planes = coded[0].payload, coded[0].planes
        assert {each.payload for each in coded} == {payload}
        shown = [decode_frame(codec, payload, reference, SIZE) for reference in references]
        for each in shown:
            assert_planes_equal(each.planes(), planes)
        assert isinstance(shown[-1], TorchReference)
        encoded.append(coded[0].reference)
        decoded.append(shown[-1])


@pytest.mark.parametrize(
    ("quality", "sets"), [(0, (0, 0)), (20, (0b10_01_00_10, 0b01_10)), (63, (0, 0))]
)
@pytest.mark.parametrize("channels", [(), HADAMARD])
def test_decodes_any_symbols(
    device: str, quality: int, sets: tuple[int, int], channels: tuple[int, ...]
) -> None:
    """Numbers as large as a stream can make them; every mode, filter and fraction of motion; sets of rows."""
    size, known = (48, 64), 3 if any(sets) else 1
    pair = weights_of("intra", sets=known), weights_of("inter", sets=known, hadamard=channels)
    models, reference = models_on(device, pair), None
    for number, (payload, expected) in enumerate(any_frames(quality, size, sets, channels)):
        reference = models[min(number, 1)].decode(payload, size, reference, RUNNING)
        assert_planes_equal(reference.planes(), expected)


@pytest.mark.parametrize("size", [(16, 16), (48, 80)])
def test_prediction_is_the_native_one(device: str, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(3)
    half = (size[0] // 2, size[1] // 2)
    references = [
        tuple(rng.integers(0, 256, shape).astype(np.uint8) for shape in (size, half, half))
        for _ in range(2)
    ]
    for seed, reach in enumerate((7, 60, 1023)):
        field = random_field(size[0] // 16, size[1] // 16, reach=reach, seed=seed)
        expected = _native.predict_motion(field, *references)  # type: ignore[arg-type]
        found = predict(field, *(on(device, planes) for planes in references))
        assert_planes_equal(arrays_of(found), expected)


def test_transforms_are_the_oracles(device: str) -> None:
    rng = np.random.default_rng(4)
    shapes = ((32, 48), (16, 24), (16, 24))
    y, u, v = (rng.integers(-255, 256, shape) for shape in shapes)
    found = forward_transform(on(device, (y, u, v)))
    assert np.array_equal(found[0].permute(1, 2, 0).cpu().numpy(), transform((y, u, v)))
    latent = rng.integers(-32768, 32768, (4, 6, 96))
    tensor = torch.from_numpy(latent).permute(2, 0, 1)[None].to(device)
    for one, other in zip(arrays_of(inverse_transform(tensor)), untransform(latent), strict=True):
        np.testing.assert_array_equal(one, other)
    found = hadamard_transform(tensor, torch.tensor(HADAMARD, device=device))
    assert np.array_equal(found[0].permute(1, 2, 0).cpu().numpy(), mixed(latent, HADAMARD))


def on(device: str, planes: tuple[np.ndarray, ...]) -> tuple[torch.Tensor, ...]:
    return tuple(torch.from_numpy(plane)[None, None].to(device) for plane in planes)


def arrays_of(planes: tuple[torch.Tensor, ...]) -> Planes:
    y, u, v = (plane[0, 0].cpu().numpy() for plane in planes)
    return y, u, v


def test_encodes_natively(device: str, weights: Pair) -> None:
    """The same bytes, whichever decoder the frame before comes from."""
    size = (33, 51)
    frames = [picture(*size, time) for time in range(4)]
    payloads, expected = code(weights, frames, 35)
    models, reference, own = models_on(device, weights), None, None
    for number, (frame, payload) in enumerate(zip(frames, payloads, strict=True)):
        model = models[min(number, 1)]
        coded = model.encode(frame, 35, reference, RUNNING)
        assert coded.payload == payload
        assert model.encode(frame, 35, own, RUNNING).payload == payload
        after_own = model.decode(payload, size, reference, RUNNING)
        reference, own = coded.reference, model.decode(payload, size, own, RUNNING)
        for found in (coded.planes, after_own.planes(), own.planes()):
            assert_planes_equal(found, expected[number])


@pytest.mark.parametrize("kind", [0, 1])
def test_damage_is_what_the_native_models_say(kind: int) -> None:
    size, pair = (16, 32), (weights_of("intra", sets=3), weights_of("inter", sets=3))
    payloads, _ = code(pair, [picture(*size, time) for time in range(2)], 45)
    model, native = models_on("cpu", pair)[kind], pair[kind].native()
    references = (None, None)
    if kind:
        intra = models_on("cpu", pair)[0]
        references = (
            intra.decode(payloads[0], size, None, RUNNING),
            pair[0].native().decode(payloads[0], size),
        )
    damaged = [payloads[kind][:count] for count in range(len(payloads[kind]))]
    damaged += [
        payloads[kind][:at] + bytes([payloads[kind][at] ^ 0x15]) + payloads[kind][at + 1 :]
        for at in range(len(payloads[kind]))
    ]
    for payload in damaged:
        results = []
        for decode in (
            lambda payload: model.decode(payload, size, references[0], RUNNING).planes(),
            lambda payload: native.decode(payload, size, references[1]).planes(),
        ):
            try:
                results.append([plane.tobytes() for plane in decode(payload)])
            except CorruptStreamError as error:
                results.append([type(error), str(error)])
        assert results[0] == results[1]


def test_lack_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    model = models_on("cpu", (weights_of("intra"), weights_of("inter")))[0]

    def fail(*_: object) -> None:
        raise torch.cuda.OutOfMemoryError("x")

    monkeypatch.setattr(model._decoder, "decode", fail)
    with pytest.raises(StreamCodecError, match="not enough memory for a frame of 20x16"):
        model.decode(b"", (16, 20), None, RUNNING)


def test_frames_that_a_b_frame_cannot_lie_between_fail() -> None:
    intra, inter = models_on("cpu", (weights_of("intra"), weights_of("inter")))

    def decoded(size: tuple[int, int]) -> tuple[Reference, Reference]:
        key = intra.encode(picture(*size, 0), 30, None, RUNNING)
        after = inter.encode(picture(*size, 1), 30, key.reference, RUNNING)
        first = intra.decode(key.payload, size, None, RUNNING)
        return first, inter.decode(after.payload, size, first, RUNNING)

    (key, after), (other, _) = decoded((16, 16)), decoded((16, 18))
    two = inter.between(Between(key, after, 1, 1, True))
    for past, future in ((after, key), (after, after), (other, after), (two, after), (key, two)):
        with pytest.raises(UsageError, match="lies between two other frames"):
            inter.between(Between(past, future, 1, 1, True))
    with pytest.raises(UsageError, match="lies between two other frames"):
        inter.between(Between(key, after, 1, 1, False))
    with pytest.raises(UsageError, match="reference is a str"):
        inter.between(Between(key, "x", 1, 1, True))  # type: ignore[arg-type]


def test_references_of_other_sizes_fail() -> None:
    intra, inter = models_on("cpu", (weights_of("intra"), weights_of("inter")))
    payload = intra.encode(picture(16, 16, 0), 30, None, RUNNING).payload
    reference = intra.decode(payload, (16, 16), None, RUNNING)
    with pytest.raises(UsageError, match=r"16x16 pixels; accepted: 16x18"):
        inter.decode(payload, (16, 18), reference, RUNNING)
    with pytest.raises(UsageError, match="accepted for an I-frame: None"):
        intra.decode(payload, (16, 16), reference, RUNNING)
    with pytest.raises(UsageError, match="needs the frame before"):
        inter.decode(payload, (16, 16), None, RUNNING)
    with pytest.raises(UsageError, match="reference is a str"):
        inter.decode(payload, (16, 16), "x", RUNNING)  # type: ignore[arg-type]
