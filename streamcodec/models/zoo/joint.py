"""The joint autoregressive and hierarchical prior: mbt2018 (Minnen, Balle, Toderici, NeurIPS 2018, section 3)."""

from streamcodec.models.latents.context import RasterLatentCodec
from streamcodec.models.zoo.factorized import analysis, synthesis
from streamcodec.models.zoo.hyperprior import hyper_analysis, hyper_synthesis
from streamcodec.models.zoo.vae import TransformModel

__all__ = ["JointAutoregressiveHierarchicalPriors"]


class JointAutoregressiveHierarchicalPriors(TransformModel, RasterLatentCodec):
    """mbt2018: the mean-scale hyperprior with a context model, line by line. N, M: channels inside and of z, of y."""

    def __init__(self, N: int = 192, M: int = 192) -> None:  # noqa: N803 (the papers' names)
        RasterLatentCodec.__init__(self, hyper_analysis(N, M), hyper_synthesis(N, M), M, N)
        self.g_a, self.g_s = analysis(N, M), synthesis(N, M)

    @property
    def latent(self) -> RasterLatentCodec:
        return self
