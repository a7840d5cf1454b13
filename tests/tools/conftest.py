"""The tools are scripts, with modules beside them."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))


@pytest.fixture(scope="session")
def wide_clip(synthetic, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """5 frames of 176x164, which MS-SSIM can compare."""
    path: Path = synthetic.write_clip(tmp_path_factory.mktemp("wide") / "wide.mp4", 5, size=(176, 164), options={"qp": "0"})
    return path
