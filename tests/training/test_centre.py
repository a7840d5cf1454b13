"""Steps with centred inputs: the same as training W and b' in y = W (x - c) + b'."""

import torch
import torch.nn.functional as F
from torch import nn

from streamcodec.training.centre import Centring, mean_inputs


def test_steps_equal_those_of_the_centred_form() -> None:
    torch.manual_seed(1)
    model = nn.Sequential(nn.Conv2d(3, 4, 3))
    conv, centre = model[0], torch.tensor([5.0, -3.0, 0.5])
    weight = conv.weight.detach().clone().requires_grad_()
    bias = (conv.bias + conv.weight.sum((2, 3)) @ centre).detach().requires_grad_()
    centring = Centring(model, {"0": centre})
    plain, explicit = torch.optim.Adam(model.parameters(), 0.1), torch.optim.Adam([weight, bias], 0.1)
    for _ in range(3):
        x, target = torch.randn(2, 3, 6, 6) + centre[:, None, None], torch.randn(2, 4, 4, 4)
        for optimizer, y in ((plain, model(x)), (explicit, F.conv2d(x - centre[:, None, None], weight, bias))):
            optimizer.zero_grad()
            (y - target).square().mean().backward()
        with centring.around_step():
            plain.step()
        explicit.step()
    torch.testing.assert_close(conv.weight, weight, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(model(x), F.conv2d(x - centre[:, None, None], weight, bias), atol=1e-3, rtol=1e-3)


def test_frozen_convolution_is_left_alone() -> None:
    model = nn.Sequential(nn.Conv2d(2, 2, 1)).requires_grad_(False)
    before = model[0].bias.clone()
    with Centring(model, {"0": torch.ones(2)}).around_step():
        pass
    assert torch.equal(model[0].bias, before)


def test_mean_inputs_are_those_seen() -> None:
    model = nn.Sequential(nn.Conv2d(2, 2, 1), nn.ReLU(), nn.Conv2d(2, 3, 1))
    x = torch.randn(4, 2, 5, 5)
    means = mean_inputs(model, ["0"], lambda: model(x))
    torch.testing.assert_close(means, {"0": x.mean((0, 2, 3))})
