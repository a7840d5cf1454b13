"""Convert the first training's weights (one file for both halves of the default model) into weights files.

    python tools/convert_bootstrap.py bootstrap.safetensors [FOLDER]

Writes quarter-image.safetensors and quarter-flow.safetensors into FOLDER (default: streamcodec/weights).
"""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from streamcodec.models import CompressionModel, create, save_checkpoint

PARTS = {"img_": "quarter-image", "": "quarter-flow"}
NAMES = [  # (in the file, in the product), for both halves
    (r"^res_", "residual_"),
    (r"\.b4\.", ".body4."),
    (r"\.b8\.", ".body8."),
    (r"\.d8\.", ".down8."),
    (r"\.d16\.", ".down16."),
    (r"\.u8\.c\.", ".up8.conv."),
    (r"\.u4\.c\.", ".up4.conv."),
    (r"\.c([12])\.", r".conv\1."),
    (r"\.eb\.m\.", ".entropy_bottleneck.matrices."),
    (r"\.eb\.b\.", ".entropy_bottleneck.biases."),
    (r"\.eb\.f\.", ".entropy_bottleneck.factors."),
    (r"\.gain$", ".gains.gain"),
    (r"\.igain$", ".gains.inverse_gain"),
]


def renamed(key: str) -> str:
    for pattern, name in NAMES:
        key = re.sub(pattern, name, key)
    return key


def halves(bootstrap: Path) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """(preset, tensors under the product's keys, float32) of both halves."""
    tensors = {key: value.float() for key, value in load_file(bootstrap).items()}
    for prefix, preset in PARTS.items():
        own = {key: value for key, value in tensors.items() if key.startswith("img_") == bool(prefix)}
        yield preset, {renamed(key.removeprefix(prefix)): value for key, value in own.items()}


def converted(preset: str, tensors: dict[str, Tensor]) -> CompressionModel:
    """The model with these tensors and tables. Its z is rounded to integers, so the medians stay 0."""
    model = create(preset)
    missing, unexpected = model.load_state_dict(tensors, strict=False)
    own = ("quantiles", "target", "bound", "_offset", "_quantized_cdf", "_cdf_length", "scale_table", "scale_bound")
    if lost := [key for key in missing if not key.endswith(own)] + unexpected:
        raise SystemExit(f"keys that do not fit {preset}: {lost}")
    model.update()
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bootstrap", type=Path)
    parser.add_argument("folder", type=Path, nargs="?", default=Path(__file__).parents[1] / "streamcodec" / "weights")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for preset, tensors in halves(arguments.bootstrap):
        path = arguments.folder / f"{preset}.safetensors"
        model_id = save_checkpoint(path, converted(preset, tensors), preset)
        print(f"{path}: id {model_id.hex()}, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
