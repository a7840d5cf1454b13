"""Every error that streamcodec raises on purpose.

    StreamCodecError                 exit code 1
    |-- UsageError                   2   an argument or option has a value that is not accepted (also a ValueError)
    |   |-- FrameIndexError          2   no frame has this index or time (also an IndexError)
    |-- SourceError                  1   the input video cannot be read: not a video, no frames, damaged, size changes
    |-- OutputError                  1   the output cannot be written: exists, no permission, disk full, encoder missing
    |-- ModelError                   1   unknown model name; weights missing, damaged or of another shape
    |-- NotInstalledError            1   this takes a package that is not installed, such as PyTorch (also an ImportError)
    |-- FormatError                  3   the bytes of a stream are not usable
        |-- CorruptStreamError       3   damaged: bad CRC, impossible length, symbols that do not decode
        |   |-- TruncatedStreamError 3   the bytes end before the stream does
        |-- UnsupportedStreamError   3   sound, but from a newer version or coded with a model that is not installed

The root itself is raised only where memory runs out. A message says what came, what is accepted and, where it helps, what to do.
It is one line, fit for a terminal (`streamcodec.text.shown`) whatever names and bytes it quotes; of an endless one the middle is cut.
"""

from streamcodec.text import MOST_CHARACTERS, shown

__all__ = [
    "CorruptStreamError",
    "FormatError",
    "FrameIndexError",
    "ModelError",
    "NotInstalledError",
    "OutputError",
    "SourceError",
    "StreamCodecError",
    "TruncatedStreamError",
    "UnsupportedStreamError",
    "UsageError",
]


PARTLY_FAILED = 4
"""Exit code where some files of several failed, or a part of a stream that was repaired is lost."""


class StreamCodecError(Exception):
    """Root of the tree; `exit_code` is what the command line returns."""

    exit_code = 1

    def __str__(self) -> str:
        return shown(super().__str__(), MOST_CHARACTERS)


class UsageError(StreamCodecError, ValueError):
    """An argument or option has a value that is not accepted."""

    exit_code = 2


class FrameIndexError(UsageError, IndexError):
    """No frame has this index, or is shown at this time."""


class SourceError(StreamCodecError):
    """The input video cannot be read."""


class OutputError(StreamCodecError):
    """The output cannot be written."""


class ModelError(StreamCodecError):
    """A model is unknown, or its weights are missing or do not fit."""


class NotInstalledError(StreamCodecError, ImportError):
    """What was asked for takes a package that is not installed."""


class FormatError(StreamCodecError):
    """The bytes of a stream are not usable."""

    exit_code = 3


class CorruptStreamError(FormatError):
    """The stream is damaged."""


class TruncatedStreamError(CorruptStreamError):
    """The bytes end before the stream does."""


class UnsupportedStreamError(FormatError):
    """The stream needs a newer version or a model that is not installed."""
