import pytest
import torch
from torch import Tensor, nn

from streamcodec.errors import UsageError
from streamcodec.models.latents.densities import EntropyBottleneck
from streamcodec.models.latents.hyperprior import LatentEstimate, code_factorized
from streamcodec.models.symbols import SymbolChannel
from streamcodec.models.zoo.vae import SimpleVAECompressionModel

from ..channels import ListDecoder, ListEncoder
from ..deterministic import frame
from ..small_models import M, image_model, simple


def test_keys_have_the_parts_names() -> None:
    roots = {key.split(".")[0] for key in image_model("simple-hyperprior").state_dict()}
    assert roots == {"g_a", "g_s", "latent_codec"}


class TwoHalves(nn.Module):
    """A latent codec of one's own: each half of the channels has its own bottleneck."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = EntropyBottleneck(M // 2), EntropyBottleneck(M // 2)

    def estimate(self, y: Tensor) -> LatentEstimate:
        (a_hat, a), (b_hat, b) = (
            part(half) for part, half in zip((self.first, self.second), y.chunk(2, 1), strict=True)
        )
        return LatentEstimate(torch.cat((a_hat, b_hat), 1), {"a": a, "b": b})

    def code_latent(
        self, y: Tensor | None, size: tuple[int, int], channel: SymbolChannel
    ) -> Tensor:
        a, b = (None, None) if y is None else y.chunk(2, 1)
        a_hat, _ = code_factorized(self.first, a, size, channel, 0)
        b_hat, _ = code_factorized(self.second, b, size, channel, M // 2)
        return torch.cat((a_hat, b_hat), 1)


def test_any_latent_codec_will_do() -> None:
    model = simple(TwoHalves()).eval()
    assert model.update()
    assert model.tables().rows == M
    assert model.aux_loss() > 0
    assert set(model(frame(32, 32))["likelihoods"]) == {"a", "b"}
    written = ListEncoder.of(model)
    encoded = model.code(frame(32, 32), (32, 32), written)
    assert torch.equal(model.code(None, (32, 32), ListDecoder(written)), encoded)


def test_what_is_no_latent_codec_fails() -> None:
    with pytest.raises(UsageError, match="latent codec is Conv2d"):
        SimpleVAECompressionModel(nn.Identity(), nn.Identity(), nn.Conv2d(1, 1, 1))
