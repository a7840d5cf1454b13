from pathlib import Path

import pytest

from streamcodec.codec import Codec
from streamcodec.codec.dct_torch import load_torch_model


@pytest.fixture(scope="session")
def torch_codec(tiny_weights: Path) -> Codec:
    """The small models of the default kind, decoded by PyTorch."""
    intra, inter = (
        load_torch_model(tiny_weights / f"tiny-{part}.safetensors", "cpu")
        for part in ("intra", "inter")
    )
    return Codec(intra, inter)


@pytest.fixture(scope="session", params=["zoo", "native", "torch"])
def tiny_codec(request: pytest.FixtureRequest) -> Codec:
    """All kinds in turn."""
    codec: Codec = request.getfixturevalue(f"{request.param}_codec")
    return codec
