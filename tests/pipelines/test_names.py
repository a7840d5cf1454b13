"""The public names of streamcodec.pipelines."""

import pytest

from streamcodec import pipelines

pytest.importorskip("ray", reason="Ray is not installed")


@pytest.mark.filterwarnings("ignore")  # Ray's own
@pytest.mark.parametrize("name", pipelines.__all__)
def test_a_public_name_is_there(name: str) -> None:
    assert getattr(pipelines, name).__module__.startswith("streamcodec.pipelines.")


def test_another_name_fails() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'transcoder'"):
        _ = pipelines.transcoder
