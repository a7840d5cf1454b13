"""Networks with entropy models: what is coded and how likely it is."""

# ruff: noqa: E402 (what follows imports PyTorch, which is asked for first)

from streamcodec.runtime import require_torch

require_torch("streamcodec.models")

from streamcodec.models.base import (
    CompressionModel,
    ImageModel,
    ImageOutput,
    InterModel,
    InterOutput,
)
from streamcodec.models.checkpoint import Checkpoint, load_checkpoint, model_id, save_checkpoint
from streamcodec.models.importing.checkpoint import ImportedFile, ImportReport, import_checkpoint
from streamcodec.models.latents.context import CheckerboardLatentCodec, RasterLatentCodec
from streamcodec.models.registry import create, names
from streamcodec.models.symbols import SymbolChannel
from streamcodec.models.zoo.cheng2020 import (
    Cheng2020Anchor,
    Cheng2020AnchorCheckerboard,
    Cheng2020Attention,
)
from streamcodec.models.zoo.factorized import FactorizedLatentCodec, FactorizedPrior
from streamcodec.models.zoo.hyperprior import (
    HyperpriorLatentCodec,
    MeanScaleHyperprior,
    ScaleHyperprior,
)
from streamcodec.models.zoo.joint import JointAutoregressiveHierarchicalPriors
from streamcodec.models.zoo.ssf import ScaleSpaceFlow, ScaleSpaceFlowImage
from streamcodec.models.zoo.vae import LatentCodec, SimpleVAECompressionModel

__all__ = [
    "CheckerboardLatentCodec",
    "Checkpoint",
    "Cheng2020Anchor",
    "Cheng2020AnchorCheckerboard",
    "Cheng2020Attention",
    "CompressionModel",
    "FactorizedLatentCodec",
    "FactorizedPrior",
    "HyperpriorLatentCodec",
    "ImageModel",
    "ImageOutput",
    "ImportReport",
    "ImportedFile",
    "InterModel",
    "InterOutput",
    "JointAutoregressiveHierarchicalPriors",
    "LatentCodec",
    "MeanScaleHyperprior",
    "RasterLatentCodec",
    "ScaleHyperprior",
    "ScaleSpaceFlow",
    "ScaleSpaceFlowImage",
    "SimpleVAECompressionModel",
    "SymbolChannel",
    "create",
    "import_checkpoint",
    "load_checkpoint",
    "model_id",
    "names",
    "save_checkpoint",
]
