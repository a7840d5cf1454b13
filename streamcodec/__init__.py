"""A neural video codec that one can install and rely on.

    streamcodec.encode("in.mp4", "out.ssf", quality=32)
    streamcodec.decode("out.ssf", "back.mp4")
    for frame in streamcodec.open("out.ssf"):
        frame.planes, frame.array  # Y, U and V; (3, H, W) uint8 RGB
        frame.data  # the same as a tensor, if PyTorch is there

Importing the package loads neither NumPy nor FFmpeg: a name does so when it is first used. PyTorch is loaded only for what needs it.
"""

from importlib import import_module

from streamcodec import errors as _errors
from streamcodec._version import __version__
from streamcodec.errors import *  # noqa: F403 (all of them are public)
from streamcodec.runtime import let_idle_threads_sleep as _let_idle_threads_sleep

_let_idle_threads_sleep()  # before PyTorch is loaded, which is when it counts

_LAZY = {
    "codec": ("Codec", "DecodedGop", "EncodedGop", "decode_gop", "encode_gop"),
    "container": ("Writer",),
    "editing.concat": ("concat",),
    "editing.cut": ("cut",),
    "editing.repair": ("repair",),
    "stream.dataset": ("VideoDataset",),
    "stream.decode": ("DecodeReport", "decode"),
    "stream.encode": ("EncodeReport", "encode"),
    "stream.encoder": ("Encoder",),
    "stream.reading.frames": ("Frame", "FrameBatch", "VideoMetadata"),
    "stream.sampling.many": ("frames_at", "frames_at_seconds"),
    "stream.sampling.mapped": ("VideoMapDataset",),
    "stream.image": ("ImageReport", "decode_image", "encode_image"),
    "stream.options": ("DecodeOptions", "EncodeOptions"),
    "stream.search.predict": ("Prediction",),
    "stream.search.search": ("SearchReport", "search"),
    "stream.control.target": ("Target",),
    "stream.verify": ("VerifyReport", "verify"),
    "stream.video": ("Video", "open"),
    "types": ("RawFrame", "VideoFormat"),
    "weights": ("load_codec",),
}
"""Module -> its public names, which are imported when they are first used."""

_HOME = {name: f"streamcodec.{module}" for module, names in _LAZY.items() for name in names}

__all__ = ["__version__", *_errors.__all__, *_HOME]  # noqa: PLE0604


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'streamcodec' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
