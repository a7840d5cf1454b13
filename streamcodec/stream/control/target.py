"""The target of an encode: a PSNR or a size, instead of a quality."""

from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from streamcodec.checks import is_number
from streamcodec.errors import UsageError
from streamcodec.types import QUALITIES

__all__ = ["Measure", "Measured", "Target"]

Measure = Literal["psnr_db", "bpp", "kbit_per_second"]
"""PSNR in dB, of the planes that are coded (EncodeReport); bits per pixel; rate. The latter two count every byte of the stream but those
of sound and subtitles."""

UNITS: dict[Measure, str] = {"psnr_db": "dB PSNR", "bpp": "bpp", "kbit_per_second": "kbit/s"}
DIGITS: dict[Measure, int] = {"psnr_db": 2, "bpp": 4, "kbit_per_second": 0}
MOST: dict[Measure, int] = {"psnr_db": 200, "bpp": 1000, "kbit_per_second": 10**9}
"""Nothing comes near: one value that is off by one in the largest picture makes 129 dB, and pixels that are not coded have 24 bits."""
TOLERANCE_DB = 0.5
TOLERANCE_SHARE = 0.1


class Measured(Protocol):
    """A result, measured or predicted, that a target can be compared with."""

    @property
    def psnr_db(self) -> float | None: ...

    @property
    def bpp(self) -> float: ...

    @property
    def kbit_per_second(self) -> float: ...


@dataclass(frozen=True)
class Target:
    """`value`, in the unit of `measure`, above 0 and at most MOST. A PSNR is to be reached, a size is not to be exceeded."""

    measure: Measure
    value: float

    def __post_init__(self) -> None:
        if self.measure not in get_args(Measure):
            raise UsageError(
                f"target is {self.measure!r}; accepted: {', '.join(get_args(Measure))}"
            )
        most = MOST[self.measure]
        if not is_number(self.value) or not 0 < self.value <= most:
            raise UsageError(
                f"target is {self.value!r} {UNITS[self.measure]}; accepted: above 0, to {most}"
            )

    def __str__(self) -> str:
        return self._with_unit(self.value)

    @property
    def is_floor(self) -> bool:
        """Whether to stay above the target (PSNR) or below it (size)."""
        return self.measure == "psnr_db"

    @property
    def limit(self) -> int:
        """The quality that comes nearest to a target out of reach."""
        return QUALITIES - 1 if self.is_floor else 0

    def value_of(self, result: Measured) -> float:
        """What `result` has of the target's measure; UsageError if its PSNR was not measured."""
        value: float | None = getattr(result, self.measure)
        if value is None:
            raise UsageError("the result has no PSNR to compare the target with; measure it")
        return value

    def is_met(self, result: Measured) -> bool:
        value = self.value_of(result)
        return value >= self.value if self.is_floor else value <= self.value

    def shortfall(self, result: Measured, quality: int | None) -> str | None:
        """What to tell the user of a result at `quality` (None = it varied): None if the target is met or missed by little."""
        if self.is_met(result):
            return None
        got = self._with_unit(self.value_of(result))
        if quality == self.limit:
            return f"{self} is out of reach: quality {quality}, the {'highest' if self.is_floor else 'lowest'}, gives {got}"
        return (
            None
            if self._is_near(self.value_of(result))
            else f"{self} was missed: the stream has {got}"
        )

    def _is_near(self, value: float) -> bool:
        return (
            value >= self.value - TOLERANCE_DB
            if self.is_floor
            else value <= self.value * (1 + TOLERANCE_SHARE)
        )

    def _with_unit(self, value: float) -> str:
        return f"{value:.{DIGITS[self.measure]}f} {UNITS[self.measure]}"
