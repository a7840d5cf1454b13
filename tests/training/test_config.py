"""Training configs: TOML files that are read strictly."""

from pathlib import Path

import pytest

from streamcodec.errors import UsageError
from streamcodec.training import TrainConfig, load_config


def test_fields_are_read(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('kind = "intra"\nsteps = 7\nlr = 1e-3\n[widths]\nsynthesis = 32\n')
    assert load_config(path) == TrainConfig("intra", 7, lr=1e-3, widths={"synthesis": 32})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind = ", "cannot read the training config"),
        ('kind = "inter"', "lacks steps"),
        ('kind = "inter"\nsteps = 3\nspeed = 1', "has the fields speed; accepted: kind, steps"),
        ('kind = "both"\nsteps = 3', "kind is 'both'; accepted: inter, intra"),
        ('kind = "inter"\nsteps = "3"', "steps is '3'; accepted: int"),
        ('kind = "inter"\nsteps = true', "steps is True; accepted: int"),
        ('kind = "inter"\nsteps = 0', "steps is 0; accepted: 1 to"),
        ('kind = "inter"\nsteps = 3\ncrop = 100', "crop is 100; accepted: multiples of 16"),
        ('kind = "inter"\nsteps = 3\nhighest_q = 50', "highest_q is 50; accepted: 12 to 44"),
        ('kind = "inter"\nsteps = 3\nlr = nan', "lr is nan"),
        (
            'kind = "inter"\nsteps = 3\nhadamard = [1, 0]',
            "hadamard is .*accepted: channels 0 to 95",
        ),
        ('kind = "intra"\nsteps = 3\nhadamard = [0]', "of kind inter"),
        (
            'kind = "inter"\nsteps = 3\ndistortion = "psnr"',
            "distortion is 'psnr'; accepted: mse, ssim, ms-ssim",
        ),
    ],
)
def test_bad_configs_fail(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=message):
        load_config(path)


def test_a_missing_file_fails(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the training config"):
        load_config(tmp_path / "none.toml")
