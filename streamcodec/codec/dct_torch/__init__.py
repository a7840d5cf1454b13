"""The default models' decoder in PyTorch, for GPUs: the same pictures as the native one, to the last bit."""

from streamcodec.codec.dct_torch.model import TorchModel, load_torch_model

__all__ = ["TorchModel", "load_torch_model"]
