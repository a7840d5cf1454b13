"""Options as fields of dataclasses. Each is declared once, with its default, its bounds and its help;
the command line is made from these declarations (streamcodec/cli/options.py)."""

from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

__all__ = ["Option", "option", "options_in"]

T = TypeVar("T")


@dataclass(frozen=True)
class Option:
    """How an option is given on the command line.

    `help`: what it does. `flag`: its name there, None = the field's. `short`: a letter for it.
    `least`, `most`: bounds, both accepted; `above`: a bound that is not. `metavar`: what its value is
    called. `default`: how the help tells its default, None = as it is, "" = not at all.
    `alternative`: at most one of the options with this mark can be given. `eager`: read before the
    arguments of the command.
    """

    help: str
    flag: str | None = None
    short: str | None = None
    least: float | None = None
    most: float | None = None
    above: float | None = None
    metavar: str | None = None
    default: str | None = None
    alternative: bool = False
    eager: bool = False

    def flag_of(self, name: str) -> str:
        """The flag of a field of this name: "--intra-offset" of "intra_offset"."""
        return self.flag or "--" + name.replace("_", "-")


def option(value: T, text: str, **details: Any) -> T:
    """A field with the default `value` and the help `text`; `details`: the other fields of Option."""
    return field(default=value, metadata={"option": Option(text, **details)})


def options_in(options: type) -> dict[str, Option]:
    """The declared options of a dataclass by field, alternatives first."""
    found = {each.name: each.metadata["option"] for each in fields(options) if each.metadata}
    return dict(sorted(found.items(), key=lambda item: not item[1].alternative))
