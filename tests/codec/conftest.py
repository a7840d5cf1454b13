import pytest


@pytest.fixture(scope="session", params=["zoo", "native"])
def tiny_kind(request: pytest.FixtureRequest) -> str:
    """Both kinds in turn."""
    kind: str = request.param
    return kind
