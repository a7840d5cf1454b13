"""Streams to streams without coding anew: repair, cut, concat. Needs neither NumPy nor FFmpeg."""

from streamcodec.editing.concat import ConcatReport, concat
from streamcodec.editing.cut import CutReport, cut
from streamcodec.editing.repair import RepairReport, repair

__all__ = ["ConcatReport", "CutReport", "RepairReport", "concat", "cut", "repair"]
