"""Networks with entropy models: what is coded and how likely it is."""

from streamcodec.models.base import CompressionModel, ImageModel, ImageOutput, InterModel, InterOutput
from streamcodec.models.channel import SymbolChannel
from streamcodec.models.checkpoint import Checkpoint, load_checkpoint, model_id, save_checkpoint
from streamcodec.models.quarter import QuarterFlow, QuarterFlowConfig, QuarterImage, QuarterImageConfig
from streamcodec.models.registry import create, names

__all__ = [
    "Checkpoint",
    "CompressionModel",
    "ImageModel",
    "ImageOutput",
    "InterModel",
    "InterOutput",
    "QuarterFlow",
    "QuarterFlowConfig",
    "QuarterImage",
    "QuarterImageConfig",
    "SymbolChannel",
    "create",
    "load_checkpoint",
    "model_id",
    "names",
    "save_checkpoint",
]
