"""A codec as a value: the models that code I- and P-frames, where they run and in which arithmetic."""

from dataclasses import dataclass

import torch
from torch import Tensor

from streamcodec.entropy import ContextModel, Tables
from streamcodec.errors import ModelError, UsageError
from streamcodec.models import ImageModel, InterModel
from streamcodec.types import Precision, check_precision

__all__ = ["Codec", "LoadedModel"]


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A model with its tables and its context models; `id` (16 bytes) is the hash of weights and tables that streams name."""

    name: str
    id: bytes
    model: ImageModel | InterModel
    tables: Tables
    contexts: tuple[ContextModel, ...] = ()

    @classmethod
    def of(cls, name: str, model_id: bytes, model: ImageModel | InterModel) -> "LoadedModel":
        """Take a model after `update()`; raises ModelError if it has no tables, or damaged ones."""
        try:
            data = model.tables()
            contexts = tuple(ContextModel(*context.arguments()) for context in model.contexts())
            return cls(name, model_id, model, Tables(data.quantized_cdf, data.cdf_length, data.offset), contexts)
        except UsageError as error:
            raise ModelError(f"model {name} has damaged tables or a damaged context model: {error}") from error


@dataclass(frozen=True, eq=False)
class Codec:
    """`inter` None codes I-frames only."""

    intra: LoadedModel
    inter: LoadedModel | None
    device: torch.device
    precision: Precision = "fp32"

    def __post_init__(self) -> None:
        check_precision(self.precision)
        if not isinstance(self.intra.model, ImageModel):
            raise UsageError(f"intra model is {self.intra.name}, which does not code I-frames")
        if self.inter is not None and not isinstance(self.inter.model, InterModel):
            raise UsageError(f"inter model is {self.inter.name}, which does not code P-frames")

    @property
    def model_ids(self) -> tuple[str, ...]:
        """Of its models, in hex: with the release and the settings they decide the bytes of a stream."""
        return tuple(model.id.hex() for model in (self.intra, self.inter) if model is not None)

    def model_for(self, reference: Tensor | None) -> LoadedModel:
        """The model that codes a frame with this reference; raises UsageError for a P-frame without an inter model."""
        if reference is None:
            return self.intra
        if self.inter is None:
            raise UsageError("the codec has no inter model: it codes I-frames only")
        return self.inter
