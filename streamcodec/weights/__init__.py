"""Trained models: the ones in the wheel beside this file, and others in the folders of the environment variable STREAMCODEC_WEIGHTS.

A model is a `.safetensors` file made by `streamcodec.models.save_checkpoint`. Its name is the file's name without the suffix, its
id a hash of everything in it; a stream names both, and decodes only with exactly that model.
"""

import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from streamcodec.arguments import check_path
from streamcodec.errors import ModelError, UnsupportedStreamError, UsageError
from streamcodec.types import Precision

if TYPE_CHECKING:
    from streamcodec.codec import Codec, LoadedModel

__all__ = [
    "DEFAULT_INTER",
    "DEFAULT_INTRA",
    "NO_MODEL",
    "available",
    "choose_device",
    "find_model",
    "load_codec",
    "load_model",
    "missing_folders",
]

DEFAULT_INTRA = "quarter-image"
DEFAULT_INTER = "quarter-flow"
NO_MODEL = "none"  # as `inter`: I-frames only

SUFFIX = ".safetensors"
PACKAGED = Path(__file__).parent


def available() -> dict[str, Path]:
    """Name -> file of every model at hand; a folder of STREAMCODEC_WEIGHTS goes before the wheel's own."""
    files: dict[str, Path] = {}
    for folder in _folders():
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            files.setdefault(path.stem, path)
    return files


def missing_folders() -> list[Path]:
    """What STREAMCODEC_WEIGHTS names that is no folder."""
    return [folder for folder in _folders() if not folder.is_dir()]


def load_model(name: str, device: str = "cpu") -> "LoadedModel":
    """Load a model by name, or by path if `name` ends in `.safetensors`.

    Raises ModelError if there is no such model or the file is not a model's.
    """
    return _load(_path_of(name), device)


def find_model(name: str, model_id: bytes, device: str = "cpu", override: str | None = None) -> "LoadedModel":
    """The model that a stream names: `override` if given, else the one of that name, else any with that id.

    Raises UnsupportedStreamError if none at hand has the id.
    """
    for path in _candidates(name, override):
        try:
            loaded = _load(path, device)
        except ModelError:
            if override is not None:
                raise
            continue  # what else lies in the folders need not be sound
        if loaded.id == model_id:
            return loaded
    raise UnsupportedStreamError(
        f"the stream was coded with model {name} ({model_id.hex()}), which is not at hand; "
        f"put its file into a folder that STREAMCODEC_WEIGHTS names, or name the file itself as the intra or inter model"
    )


def load_codec(
    intra: str = DEFAULT_INTRA, inter: str = DEFAULT_INTER, *, device: str | None = None, precision: Precision = "fp32"
) -> "Codec":
    """A codec from model names or paths; `inter` "none" codes I-frames only. `device` None takes a GPU if there is one."""
    import torch

    from streamcodec.codec import Codec

    place = choose_device(device)
    return Codec(
        intra=load_model(intra, place),
        inter=None if inter == NO_MODEL else load_model(inter, place),
        device=torch.device(place),
        precision=precision,
    )


def choose_device(device: str | None) -> str:
    """`device` if it can be used, "cuda" or "cpu" if it is None; raises UsageError otherwise."""
    import torch

    if device is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, dtype=torch.float64, device=device).cpu()  # which the exact scale path needs
    except (RuntimeError, AssertionError, NotImplementedError, TypeError, ValueError) as error:
        raise UsageError(f"device is {device!r}, which cannot be used here; try cpu or cuda") from error
    return device


def _folders() -> Iterator[Path]:
    for folder in os.environ.get("STREAMCODEC_WEIGHTS", "").split(os.pathsep):
        if folder:
            yield Path(folder)
    yield PACKAGED


def _path_of(name: str | os.PathLike[str]) -> Path:
    name = check_path("model", name)
    if name.endswith(SUFFIX):
        return Path(name)
    files = available()
    if name not in files:
        at_hand = ", ".join(sorted(files)) or "none"
        raise ModelError(f"no weights for model {name!r}; at hand: {at_hand}, or the path of a {SUFFIX} file{_hint(name)}")
    return files[name]


def _hint(name: str) -> str:
    """What else the user may want to know of a name without weights."""
    from streamcodec.models import names

    hints = [f"STREAMCODEC_WEIGHTS names {folder}, which is no folder" for folder in missing_folders()]
    if Path(name).is_file():
        hints.append(f"{name} is another file: `streamcodec import-checkpoint` makes weights of a checkpoint")
    elif name in names():
        hints.append(f"{name} is a known architecture: `streamcodec import-checkpoint` and `streamcodec train` make weights for it")
    return "".join(f"; {hint}" for hint in hints)


def _candidates(name: str, override: str | None) -> Iterator[Path]:
    if override is not None:
        yield _path_of(override)
        return
    files = available()
    if name in files:
        yield files[name]
    for folder in _folders():
        yield from (path for path in sorted(folder.glob(f"*{SUFFIX}")) if files.get(name) != path)


def _load(path: Path, device: str) -> "LoadedModel":
    try:
        stamp = path.stat().st_mtime_ns
    except (OSError, ValueError) as error:  # of a name with NUL
        raise ModelError(f"cannot read the weights {path}: {getattr(error, 'strerror', None) or error}") from error
    return _load_cached(path, stamp, device)


@lru_cache(maxsize=4)
def _load_cached(path: Path, _stamp: int, device: str) -> "LoadedModel":
    import torch

    from streamcodec.codec import LoadedModel
    from streamcodec.models import load_checkpoint

    checkpoint = load_checkpoint(path)
    model = checkpoint.model.eval().requires_grad_(False).to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return LoadedModel.of(path.stem, checkpoint.id, model)
