"""How to encode: one value, used alike by the command line, Python and batch jobs."""

from dataclasses import dataclass

from streamcodec.errors import UsageError
from streamcodec.types import Precision, check_precision, check_quality
from streamcodec.video import DEFAULT_THRESHOLD
from streamcodec.weights import DEFAULT_INTER, DEFAULT_INTRA

__all__ = ["DEFAULT_GOP", "DEFAULT_QUALITY", "MAX_GOP", "EncodeOptions"]

DEFAULT_QUALITY = 32
DEFAULT_GOP = 32
MAX_GOP = 65535


@dataclass(frozen=True)
class EncodeOptions:
    """`quality`: 0..63, higher is better. `gop`: most frames from one I-frame to the next, 1..65535 (1 = I-frames only).
    `scenecut`: threshold of the scene-cut detector, which starts a new GOP; 0 = off.
    `intra`, `inter`: names of models, or paths of .safetensors files; `inter` "none" codes I-frames only.
    `device`: "cpu", "cuda", ...; None takes a GPU if there is one. `precision`: arithmetic of the networks.
    `hash`: write a hash of every GOP's decoded frames, so that a decoder can tell whether its pictures are bit-exact.
    """

    quality: int = DEFAULT_QUALITY
    gop: int = DEFAULT_GOP
    scenecut: float = DEFAULT_THRESHOLD
    intra: str = DEFAULT_INTRA
    inter: str = DEFAULT_INTER
    device: str | None = None
    precision: Precision = "fp32"
    hash: bool = True

    def __post_init__(self) -> None:
        check_quality(self.quality)
        check_precision(self.precision)
        if isinstance(self.gop, bool) or not isinstance(self.gop, int) or not 1 <= self.gop <= MAX_GOP:
            raise UsageError(f"GOP length is {self.gop!r}; accepted: 1..{MAX_GOP} frames")
        if not 0 <= self.scenecut <= 1:
            raise UsageError(f"scene-cut threshold is {self.scenecut!r}; accepted: 0 (off) to 1")
