"""The exact scale path against a slow oracle in Python's and numpy's integers, and against itself in other circumstances."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from streamcodec.errors import ModelError, UsageError
from streamcodec.models.exact import network as exact
from streamcodec.models.exact.network import IntegerNetwork
from streamcodec.models.layers.basic import QReLU, conv, deconv

Layers = list[nn.Module]
C, M = 3, 4


def shuffled() -> Layers:
    return [
        nn.Sequential(
            nn.Conv2d(C, 8, 1),
            nn.PixelShuffle(2),
            nn.ReLU(),
            nn.Conv2d(2, 12, 3, 1, 1),
            nn.PixelShuffle(2),
            nn.ReLU(),
        ),
        nn.Sequential(nn.Conv2d(3, 5, 3, 1, 1), nn.ReLU(), nn.Conv2d(5, M, 3, 1, 1)),
    ]


def deconvolved() -> Layers:
    return [deconv(C, 5), nn.LeakyReLU(), deconv(5, 6), nn.LeakyReLU(), conv(6, 2 * M, 3, 1)]


def quantised() -> Layers:
    return [deconv(C, 5), QReLU(), nn.ConvTranspose2d(5, M, 4, 2, 1, bias=False), QReLU()]


STACKS: dict[str, Callable[[], Layers]] = {
    "pixel shuffle": shuffled,
    "deconvolution": deconvolved,
    "QReLU": quantised,
}
SIZE = (11, 14)
BOUNDARIES = (
    torch.arange(-3 * 4096, 6 * 4096 + 1) / 4096
)  # one for every output in [-3, 6], so that indexes show every bit


def layers_of(stack: str) -> Layers:
    torch.manual_seed(7)
    layers = STACKS[stack]()
    with torch.no_grad():
        for part in layers:
            for parameter in part.parameters():
                parameter.copy_(torch.randn_like(parameter) * 0.4)
    return layers


def network(layers: Layers) -> IntegerNetwork:
    net = IntegerNetwork(layers, outputs=M)
    net.build(layers, medians=torch.tensor([0.25, -1.1, 0.0]), boundaries=BOUNDARIES)
    return net


def symbols(batch: int = 1) -> Tensor:
    return torch.randint(
        -9, 10, (batch, C, 3, 4), generator=torch.Generator().manual_seed(3), dtype=torch.int32
    )


def half_even(value: int, shift: int) -> int:
    """value / 2^shift, rounded half to even, in Python's integers."""
    down, rest = value >> shift, value & ((1 << shift) - 1)
    half = 1 << shift >> 1
    return down + (rest > half or (rest == half and shift > 0 and down % 2 == 1))


rounded = np.vectorize(half_even, otypes=[object])


def oracle_convolution(
    x: np.ndarray, layer: nn.Conv2d | nn.ConvTranspose2d, columns: int
) -> np.ndarray:
    """x (C, H, W) of Python integers -> (O, H', W'), by the definition of each layer, with this file's own quantisation."""
    transposed = isinstance(layer, nn.ConvTranspose2d)
    weight = (
        layer.weight.detach().double().transpose(0, 1)
        if transposed
        else layer.weight.detach().double()
    )
    bias = torch.zeros(len(weight)) if layer.bias is None else layer.bias.detach()
    stride, pad = layer.stride[0], int(layer.padding[0])
    height, width = x.shape[1] * stride, x.shape[2] * stride
    out = np.zeros((columns, height, width), object)
    for o, a, b in product(range(columns), range(stride), range(stride)):
        # the weights that reach the outputs at (a, b) of each stride x stride block are quantised together
        rows, cols = (
            slice((s + pad) % stride, None, stride) if transposed else slice(None) for s in (a, b)
        )
        part = weight[o][:, rows, cols]
        shift = 15 - int(np.frexp(float(part.abs().max()))[1])
        w = np.array([round(v * 2.0**shift) for v in part.flatten().tolist()], object).reshape(
            part.shape
        )
        for c, m, n in product(*map(range, w.shape)):
            ky, kx = (
                ((a + pad) % stride + m * stride, (b + pad) % stride + n * stride)
                if transposed
                else (m, n)
            )
            for i, j in product(range(x.shape[1]), range(x.shape[2])):
                y, x_ = (
                    (i * stride + ky - pad, j * stride + kx - pad)
                    if transposed
                    else (i - ky + pad, j - kx + pad)
                )
                if 0 <= y < height and 0 <= x_ < width:
                    out[o, y, x_] += w[c, m, n] * x[c, i, j]
        phase = out[o, a::stride, b::stride]
        out[o, a::stride, b::stride] = rounded(
            phase + round(float(bias[o]) * 2.0 ** (12 + shift)), shift
        )
    return out


def oracle(layers: Layers, net: IntegerNetwork, z: Tensor) -> np.ndarray:
    medians = [round(m * 4096) for m in (0.25, float(torch.tensor(-1.1)), 0.0)]
    x = np.array(
        [
            [[int(v) * 4096 + m for v in row] for row in plane]
            for plane, m in zip(z[0].tolist(), medians, strict=True)
        ],
        object,
    )
    flat = [m for layer in layers for m in layer.modules() if not list(m.children())]
    convolutions = [m for m in flat if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    for module in flat:
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            columns = M if module is convolutions[-1] else module.out_channels
            x = oracle_convolution(x, module, columns).clip(-(2**24), 2**24)
        elif isinstance(module, nn.PixelShuffle):
            c, h, w = x.shape
            x = x.reshape(c // 4, 2, 2, h, w).transpose(0, 3, 1, 4, 2).reshape(c // 4, 2 * h, 2 * w)
        elif isinstance(module, nn.LeakyReLU):
            x = np.where(x < 0, rounded(x * 655, 16), x)
        elif isinstance(module, QReLU):
            x = x.clip(0, 255 * 4096)
        else:
            x = x.clip(0, None)
    x = x[:, : SIZE[0], : SIZE[1]]
    return (x.clip(-3 * 4096 - 1, 6 * 4096) + 3 * 4096 + 1).astype(np.int32)


@pytest.mark.parametrize("stack", STACKS)
def test_indexes_equal_the_oracle(stack: str) -> None:
    layers = layers_of(stack)
    net = network(layers)
    z = symbols()
    got = net(z, SIZE)
    assert got.dtype == torch.int32
    assert got.shape == (1, M, *SIZE)
    assert len(got.unique()) > 5
    np.testing.assert_array_equal(got[0].numpy(), oracle(layers, net, z))


@pytest.mark.parametrize("stack", STACKS)
def test_indexes_are_near_the_float_path(stack: str) -> None:
    layers = layers_of(stack)
    x = symbols() + torch.tensor([0.25, -1.1, 0.0])[:, None, None]
    with torch.no_grad():
        x = nn.Sequential(*layers)(x)[..., : SIZE[0], : SIZE[1]]
    expected = torch.bucketize(x[:, :M].clamp(-3.01, 6).contiguous(), BOUNDARIES, right=True)
    difference = (network(layers)(symbols(), SIZE) - expected).abs()
    assert difference.max() < 4096 * 0.02


@pytest.mark.parametrize("stack", STACKS)
def test_indexes_do_not_depend_on_circumstances(
    stack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = network(layers_of(stack))
    z = symbols(batch=2)
    expected = net(z, SIZE)
    assert torch.equal(net(z.to(memory_format=torch.channels_last), SIZE), expected)
    assert torch.equal(torch.cat([net(one[None], SIZE) for one in z]), expected)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(net(z, SIZE), expected)
    for positions in (1, 5, 10**6):
        monkeypatch.setattr(exact, "POSITIONS", positions)
        assert torch.equal(net(z, SIZE), expected)


def test_indexes_do_not_depend_on_the_number_of_threads() -> None:
    wide = [
        nn.Sequential(
            nn.Conv2d(C, 4 * 64, 1), nn.PixelShuffle(2), nn.ReLU(), nn.Conv2d(64, 64, 3, 1, 1)
        )
    ]
    net = IntegerNetwork(wide, outputs=64)
    net.build(wide, torch.zeros(C), BOUNDARIES)
    z = torch.randint(-20, 20, (1, C, 24, 40), dtype=torch.int32)
    threads = torch.get_num_threads()
    try:
        results = []
        for count in (1, 2):
            torch.set_num_threads(count)
            results.append(net(z, (48, 80)))
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(*results)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_indexes_do_not_depend_on_the_device() -> None:
    net = network(layers_of("deconvolution"))
    expected = net(symbols(), SIZE)
    assert torch.equal(net.cuda()(symbols().cuda(), SIZE).cpu(), expected)


def test_extreme_symbols_are_clamped() -> None:
    net = network(layers_of("pixel shuffle"))
    z = torch.full((1, C, 3, 4), 2**31 - 1, dtype=torch.int32)
    assert torch.equal(net(z, SIZE), net(torch.full_like(z, 5000), SIZE))


def test_state_travels_and_goes_away() -> None:
    layers = layers_of("pixel shuffle")
    built, fresh = network(layers), IntegerNetwork(layers, outputs=M)
    assert not fresh.state_dict()
    fresh.load_state_dict(built.state_dict())
    assert fresh.built
    assert torch.equal(fresh(symbols(), SIZE), built(symbols(), SIZE))
    fresh.load_state_dict({})
    assert not fresh.built


def test_use_before_build_fails() -> None:
    with pytest.raises(ModelError, match="update"):
        IntegerNetwork(layers_of("pixel shuffle"), outputs=M)(symbols(), SIZE)


@pytest.mark.parametrize(("value", "message"), [(float("nan"), "NaN"), (1e38, r"2\^53")])
def test_weights_that_cannot_be_exact_fail(value: float, message: str) -> None:
    layers = layers_of("pixel shuffle")
    with torch.no_grad():
        next(layers[1].parameters())[0, 0, 0, 0] = value
    with pytest.raises(ModelError, match=message):
        network(layers)


def test_sums_that_could_be_inexact_fail() -> None:
    wide = nn.Conv2d(17000, 1, 1)
    nn.init.constant_(wide.weight, 0.9999)
    net = IntegerNetwork([wide], outputs=1)
    with pytest.raises(ModelError, match=r"2\^53"):
        net.build([wide], torch.zeros(17000), BOUNDARIES)


@pytest.mark.parametrize(
    "layers",
    [
        [nn.Conv2d(C, C, 3, 2, 1)],
        [nn.Conv2d(C, C, 3, 1, 0)],
        [nn.Conv2d(C, C, 4, 1, 2)],
        [nn.Conv2d(C, C, 3, 1, 2, dilation=2)],
        [nn.ConvTranspose2d(C, C, 5, 2, 2)],
        [nn.Conv2d(C, C, 1), nn.Sigmoid()],
        [nn.ReLU(), nn.Conv2d(C, C, 1)],
    ],
    ids=str,
)
def test_layers_that_cannot_be_exact_fail(layers: list[nn.Module]) -> None:
    with pytest.raises(UsageError, match="scale path has"):
        IntegerNetwork(layers, outputs=M)
