"""Files of weights that others made: read without running anything that they hold.

A PyTorch checkpoint is a pickle, which can name any function to be called. It is loaded with `weights_only=True`, which builds
tensors, numbers, texts and containers of them, and refuses all else.
"""

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from streamcodec.errors import ModelError

__all__ = ["read_safetensors", "read_weights"]

ACCEPTED = "accepted: a PyTorch checkpoint (.pth, .pth.tar, .pt) or safetensors"
SAFETENSORS_MARK = slice(8, 9)  # behind the header's length its JSON begins: "{"
MOST_GROWTH = 4  # of an archive that somebody has compressed
ZIP, PICKLE = b"PK\x03\x04", b"\x80"
GLOBAL = re.compile(r"[Uu]nsupported (?:global: GLOBAL|GLOBAL|class|global) (\S+)")
# how PyTorch begins every refusal: with the advice to load it without the check
ADVICE = re.compile(r"Weights only load failed\.(?:.*WeightsUnpickler error:|[^\n]*)\s*", re.DOTALL)


def read_weights(path: Path) -> tuple[Mapping[Any, Any], dict[str, str]]:
    """What a file holds, on the CPU: of PyTorch's as it was saved, wrappers and all; and the metadata of a safetensors file.

    The kind is told from the content, whatever the name. ModelError if the file is missing, empty, damaged, something else, or would
    run code.
    """
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except (OSError, ValueError) as error:  # of a name with NUL
        raise ModelError(
            f"cannot read the weights {path}: {getattr(error, 'strerror', None) or error}"
        ) from error
    if not head:
        raise ModelError(f"cannot read the weights {path}: the file is empty")
    if head[SAFETENSORS_MARK] == b"{":
        return read_safetensors(path)
    if not head.startswith((ZIP, PICKLE)):
        raise ModelError(f"{path} holds no weights: it begins with {head!r}; {ACCEPTED}")
    if head.startswith(ZIP):
        _check_zip(path)
    return _unpickle(path), {}


def read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the metadata of a safetensors file. ModelError if it is missing or damaged."""
    try:
        with safe_open(path, "pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {}  # noqa: SIM118 (not a dict)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"cannot read the weights {path}: {error}") from error


def _check_zip(path: Path) -> None:
    """ModelError for an archive that would grow: PyTorch stores its tensors as they are."""
    try:
        with ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
    except (BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ModelError(
            f"cannot read the weights {path}: damaged, truncated or no checkpoint of PyTorch ({error})"
        ) from error
    most = MOST_GROWTH * path.stat().st_size
    if size > most:
        raise ModelError(
            f"{path} would grow to {size} bytes; accepted: up to {most}, {MOST_GROWTH} times its size; where it was made, save it "
            "without compression"
        )


def _unpickle(path: Path) -> Mapping[Any, Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", UserWarning
            )  # of an unusual pickle protocol: loaded or refused below
            content = torch.load(path, map_location="cpu", weights_only=True)
    except (
        Exception
    ) as error:  # damaged bytes are instructions to the unpickler, which fail in any way
        text = ADVICE.sub("", str(error))
        if found := GLOBAL.search(text):
            raise ModelError(
                f"{path} is not loaded, since that would run code: its pickle asks for {found[1].rstrip('.')}; "
                f"accepted: tensors, numbers, texts, lists and dicts; where it was made, save its state_dict alone"
            ) from error
        reason = text.strip().splitlines()[0] if text.strip() else type(error).__name__
        raise ModelError(
            f"cannot read the weights {path}: damaged, truncated or no checkpoint of PyTorch ({reason})"
        ) from error
    if not isinstance(content, Mapping):
        raise ModelError(
            f"{path} holds a {type(content).__name__}; accepted: a state_dict, or a dict with one inside"
        )
    return content
