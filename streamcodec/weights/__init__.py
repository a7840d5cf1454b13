"""Trained models: the ones in the wheel beside this file, and others in the folders of the environment variable STREAMCODEC_WEIGHTS.

A model is a `.safetensors` file; its metadata say which kind it is: a native one, which needs numpy alone, or one of the zoo, made by
`streamcodec.models.save_checkpoint`, which needs PyTorch. Its name is the file's name without the suffix, its id a hash of everything in
it; a stream names both, and decodes only with exactly that model.
"""

import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError, safe_open

from streamcodec.checks import check_path
from streamcodec.errors import ModelError, NotInstalledError, UnsupportedStreamError
from streamcodec.runtime import check_device, has_torch, require_torch
from streamcodec.types import Precision, Preset

if TYPE_CHECKING:
    from streamcodec.codec import Codec, FrameModel

__all__ = [
    "DEFAULT_INTER",
    "DEFAULT_INTRA",
    "NO_MODEL",
    "available",
    "find_model",
    "hidden",
    "is_native",
    "load_codec",
    "load_model",
    "missing_folders",
    "path_of",
]

DEFAULT_INTRA = "dct-intra"
DEFAULT_INTER = "dct-inter"
NO_MODEL = "none"  # as `inter`: I-frames only

SUFFIX = ".safetensors"
PACKAGED = Path(__file__).parent


def available() -> dict[str, Path]:
    """Name -> file of every installed model; a folder of STREAMCODEC_WEIGHTS goes before the wheel's own."""
    files: dict[str, Path] = {}
    for folder in _folders():
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            files.setdefault(path.stem, path)
    return files


def hidden() -> dict[str, Path]:
    """The wheel's own models that are found by id only, because a folder of STREAMCODEC_WEIGHTS has a file of the same name."""
    return {
        name: PACKAGED / path.name
        for name, path in available().items()
        if path.parent != PACKAGED and (PACKAGED / path.name).is_file()
    }


def missing_folders() -> list[Path]:
    """What STREAMCODEC_WEIGHTS names that is not a folder."""
    return [folder for folder in _folders() if not folder.is_dir()]


def load_model(name: str, device: str | None = None) -> "FrameModel":
    """Load a model by name, or by path if `name` ends in `.safetensors`.

    `device`: "cpu", "cuda", ...; None is the CPU for the default models, and for those of the zoo a GPU if there is one.

    Raises ModelError if there is no such model or the file is not a model's, UsageError for a device that cannot be used, and
    NotInstalledError for one that needs PyTorch, as models of the zoo do, where that is missing.
    """
    return _load(path_of(name), device)


def find_model(
    name: str, model_id: bytes, device: str | None = None, override: str | None = None
) -> "FrameModel":
    """The model that a stream names: `override` if given, else the one of that name, else any with that id.

    `device`: as for `load_model`. Raises UnsupportedStreamError if no installed model has the id, and as
    `load_model` does for the model of that name.
    """
    for path in _candidates(name, override):
        try:
            loaded = _load(path, device)
        except (ModelError, NotInstalledError) as error:
            if override is not None or (isinstance(error, NotInstalledError) and path.stem == name):
                raise
            continue  # what else lies in the folders need not be sound
        if loaded.id == model_id:
            return loaded
    raise UnsupportedStreamError(
        f"the stream was coded with model {name} ({model_id.hex()}), which is not installed; "
        f"put its file into a folder that STREAMCODEC_WEIGHTS names, or name the file itself as the intra or inter model"
    )


def load_codec(
    intra: str = DEFAULT_INTRA,
    inter: str = DEFAULT_INTER,
    *,
    device: str | None = None,
    precision: Precision = "fp32",
    preset: Preset = "medium",
) -> "Codec":
    """A codec from model names or paths; `inter` "none" codes I-frames only. The other arguments: as for `EncodeOptions`."""
    from streamcodec.codec import Codec

    return Codec(
        intra=load_model(intra, device),
        inter=None if inter == NO_MODEL else load_model(inter, device),
        precision=precision,
        preset=preset,
    )


def _folders() -> Iterator[Path]:
    for folder in os.environ.get("STREAMCODEC_WEIGHTS", "").split(os.pathsep):
        if folder:
            yield Path(folder)
    yield PACKAGED


def path_of(name: str | os.PathLike[str]) -> Path:
    """The weights file of an installed model, or the path of one. Raises ModelError for an unknown name."""
    name = check_path("model", name)
    if name.endswith(SUFFIX):
        return Path(name)
    files = available()
    if name not in files:
        at_hand = ", ".join(sorted(files)) or "none"
        raise ModelError(
            f"no weights for model {name!r}; installed: {at_hand}, or the path of a {SUFFIX} file{_hint(name)}"
        )
    return files[name]


def _hint(name: str) -> str:
    """What else the user may want to know of a name without weights."""
    hints = [
        f"STREAMCODEC_WEIGHTS names {folder}, which is not a folder" for folder in missing_folders()
    ]
    if Path(name).is_file():
        hints.append(
            f"{name} is another file: `streamcodec import-checkpoint` makes weights of a checkpoint"
        )
    elif has_torch():
        hints.append(
            "`streamcodec models --known` lists the architectures that `import-checkpoint` makes weights for"
        )
    return "".join(f"; {hint}" for hint in hints)


def _candidates(name: str, override: str | None) -> Iterator[Path]:
    if override is not None:
        yield path_of(override)
        return
    files = available()
    if name in files:
        yield files[name]
    for folder in _folders():
        yield from (path for path in sorted(folder.glob(f"*{SUFFIX}")) if files.get(name) != path)


def _load(path: Path, device: str | None) -> "FrameModel":
    try:
        stamp = path.stat().st_mtime_ns
    except (OSError, ValueError) as error:  # of a name with NUL
        raise ModelError(
            f"cannot read the weights {path}: {getattr(error, 'strerror', None) or error}"
        ) from error
    return _load_cached(path, stamp, device)


@lru_cache(maxsize=4)
def _load_cached(path: Path, _stamp: int, device: str | None) -> "FrameModel":
    return _native_model(path, device) if is_native(path) else _zoo_model(path, device)


def is_native(path: Path) -> bool:
    """Whether a weights file is of the default kind, by its metadata: a config with a "kind", and no "preset", which those of the zoo have.

    Raises ModelError if it cannot be read.
    """
    try:
        with safe_open(path, "numpy") as file:
            metadata = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise ModelError(f"cannot read the weights {path}: {error}") from error
    return "preset" not in metadata and '"kind"' in metadata.get("config", "")


def _native_model(path: Path, device: str | None) -> "FrameModel":
    """None is the CPU: a GPU is taken for the default models where one is asked for."""
    from streamcodec.codec import NativeModel, load_native_model

    if device in (None, NativeModel.device):
        return load_native_model(path)
    check_device(device)
    require_torch(f"device {device}")
    from streamcodec.codec.dct_torch import load_torch_model
    from streamcodec.codec.devices import choose_device

    return load_torch_model(path, choose_device(device))


def _zoo_model(path: Path, device: str | None) -> "FrameModel":
    check_device(device)
    require_torch(f"model {path.stem}")
    import torch

    from streamcodec.codec.devices import choose_device
    from streamcodec.codec.zoo_model import ZooModel
    from streamcodec.models import load_checkpoint

    place = choose_device(device)
    checkpoint = load_checkpoint(path)
    model = checkpoint.model.eval().requires_grad_(False)
    model = model.to(device=place, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return ZooModel.of(path.stem, checkpoint.id, model, place)
