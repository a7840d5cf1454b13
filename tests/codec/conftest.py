import pytest

from streamcodec.codec import Codec


@pytest.fixture(scope="session", params=["zoo", "native"])
def tiny_codec(request: pytest.FixtureRequest) -> Codec:
    """Both kinds in turn."""
    codec: Codec = request.getfixturevalue(f"{request.param}_codec")
    return codec
