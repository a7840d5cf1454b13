"""Bits and quality of a coding, frame by frame, in memory of 50 bytes a frame."""

import math
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from streamcodec.errors import UsageError
from streamcodec.metrics import mse, mse_to_psnr_db
from streamcodec.rates import bits_per_pixel, kbit_per_second
from streamcodec.types import Planes

from .videos import Shown

__all__ = ["TYPES", "Measures", "Sums", "structure_meter"]

TYPES = "IPB"
"""Of frames, in the order in which they are told."""


@dataclass(frozen=True)
class Sums:
    """Over some frames of a coding. `size_bytes`: None if that of one of them is not known. PSNRs are
    of the mean squared errors over the frames, `psnr_yuv_db` of (6 Y + U + V) / 8, as `encode --psnr` has it."""

    frames: int
    size_bytes: int | None
    psnr_y_db: float
    psnr_u_db: float
    psnr_v_db: float
    psnr_yuv_db: float
    ms_ssim: float | None

    def bpp(self, width: int, height: int) -> float | None:
        if self.size_bytes is None:
            return None
        return bits_per_pixel(self.size_bytes, self.frames, width, height)

    def kbit_per_second(self, seconds: float) -> float | None:
        if self.size_bytes is None or not seconds:
            return None
        return kbit_per_second(self.size_bytes, seconds)


@dataclass
class Measures:
    """One entry for each frame of the source; nan where the coding has none, and where its bytes are
    not known. `index`: of the coding's frame, -1 = none."""

    index: "array[int]" = field(default_factory=lambda: array("q"))
    types: bytearray = field(default_factory=bytearray)
    size_bytes: "array[float]" = field(default_factory=lambda: array("d"))
    mse: "tuple[array[float], array[float], array[float]]" = field(
        default_factory=lambda: (array("d"), array("d"), array("d"))
    )
    ms_ssim: "array[float]" = field(default_factory=lambda: array("d"))

    def add(self, source: Shown, shown: Shown | None, ms_ssim: float = math.nan) -> None:
        """Raises UsageError unless both frames are of one size."""
        if shown is None:
            self.index.append(-1)
            self.types += b" "
            errors = [math.nan] * 3
        else:
            self.index.append(shown.index)
            self.types += (shown.type or "?").encode()
            errors = [mse(a, b) for a, b in zip(source.planes, shown.planes, strict=True)]
        size = None if shown is None else shown.size_bytes
        self.size_bytes.append(math.nan if size is None else size)
        for each, error in zip(self.mse, errors, strict=True):
            each.append(error)
        self.ms_ssim.append(ms_ssim)

    @property
    def matched(self) -> int:
        """Frames of the source that the coding has."""
        return sum(index >= 0 for index in self.index)

    def psnr_yuv_db(self, frame: int) -> float:
        """Of a frame: of (6 Y + U + V) / 8; nan if the coding lacks it."""
        return _yuv_db([each[frame] for each in self.mse])

    def worst(self) -> int | None:
        """The frame with the largest squared error; None where all are identical."""
        errors = [_weighted([each[at] for each in self.mse]) for at in range(len(self.index))]
        known = [error for error in errors if not math.isnan(error)]
        return errors.index(max(known)) if known and max(known) > 0 else None

    def sums(self, type_: str | None = None) -> Sums | None:
        """Over all frames that the coding has, or those of a type; None if there are none."""
        at = [
            number
            for number, index in enumerate(self.index)
            if index >= 0 and (type_ is None or chr(self.types[number]) == type_)
        ]
        if not at:
            return None
        y, u, v = (fmean(each[number] for number in at) for each in self.mse)
        size = math.fsum(self.size_bytes[number] for number in at)
        similarity = fmean(self.ms_ssim[number] for number in at)
        return Sums(
            frames=len(at),
            size_bytes=None if math.isnan(size) else round(size),
            psnr_y_db=mse_to_psnr_db(y),
            psnr_u_db=mse_to_psnr_db(u),
            psnr_v_db=mse_to_psnr_db(v),
            psnr_yuv_db=_yuv_db((y, u, v)),
            ms_ssim=None if math.isnan(similarity) else similarity,
        )


def _weighted(errors: Sequence[float]) -> float:
    y, u, v = errors
    return (6 * y + u + v) / 8


def _yuv_db(errors: Sequence[float]) -> float:
    return mse_to_psnr_db(_weighted(errors))


def structure_meter(width: int, height: int) -> Callable[[Planes, Planes], float]:
    """MS-SSIM of the luma of two frames of this size. Raises NotInstalledError without PyTorch, UsageError where a side is too short."""
    from streamcodec.metrics import MIN_SIDE, ms_ssim

    if min(width, height) < MIN_SIDE:
        raise UsageError(
            f"MS-SSIM of {width}x{height} pictures; accepted: both sides at least {MIN_SIDE}"
        )
    import torch

    def meter(a: Planes, b: Planes) -> float:
        first, second = (torch.from_numpy(planes[0])[None, None].float() for planes in (a, b))
        return ms_ssim(first, second, data_range=255).item()

    return meter
