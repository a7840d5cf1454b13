import pytest
import torch

from streamcodec.errors import UsageError
from streamcodec.models.gain import Gains, gain_factors


def gains() -> Gains:
    module = Gains(3, 2)
    with torch.no_grad():
        module.gain.copy_(torch.tensor([[1.0, 2.0], [2.0, 4.0], [8.0, 4.0]]).log())
        module.inverse_gain.copy_(-module.gain)
    return module


@pytest.mark.parametrize(
    ("q", "expected"), [(0, [1, 2]), (1, [2, 4]), (2, [8, 4]), (0.5, [2**0.5, 8**0.5]), (1.5, [4, 4]), (-3, [1, 2]), (9, [8, 4])]
)
def test_gain_is_interpolated_exponentially_and_clamped(q: float, expected: list[float]) -> None:
    gain, inverse = gains()(torch.tensor([q]))
    assert gain.shape == inverse.shape == (1, 2, 1, 1)
    torch.testing.assert_close(gain.flatten(), torch.tensor(expected, dtype=torch.float32))
    torch.testing.assert_close(gain * inverse, torch.ones(1, 2, 1, 1))


def test_each_sample_has_its_gain() -> None:
    module, q = gains(), torch.tensor([0.2, 1.7, 2.0])
    batch, _ = module(q)
    torch.testing.assert_close(batch, torch.cat([module(one[None])[0] for one in q]))


def test_one_row_is_a_fixed_rate() -> None:
    module = Gains(1, 4)
    assert torch.equal(module(torch.tensor([0.0]))[0], module(torch.tensor([5.0]))[0])


def test_no_quality_is_the_best_and_no_gains_are_one() -> None:
    like = torch.zeros(2, 2, 4, 4)
    torch.testing.assert_close(gain_factors(gains(), like, None)[0].flatten(), torch.tensor([8.0, 4, 8, 4]))
    assert [factor.item() for factor in gain_factors(None, like, torch.tensor([1.0, 0.0]))] == [1, 1]


def test_no_rows_fails() -> None:
    with pytest.raises(UsageError, match="gain rows is 0"):
        Gains(0, 4)
