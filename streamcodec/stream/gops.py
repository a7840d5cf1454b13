"""Where GOPs begin: one decision for whoever encodes frames as they come and for whoever plans a video before it is encoded."""

import numpy as np
from numpy.typing import NDArray

from streamcodec.stream.options import EncodeOptions
from streamcodec.video import SceneCutDetector

__all__ = ["GopBoundaries"]


class GopBoundaries:
    """Asked once for every frame, in order: a GOP begins at the first frame, at scene cuts, and where the one before is full."""

    def __init__(self, options: EncodeOptions) -> None:
        self._detector = SceneCutDetector(options.scenecut)
        self._longest = options.gop

    def begins_at(self, frame: NDArray[np.uint8], frames_in_gop: int | None, *, key: bool = False) -> bool:
        """Whether `frame`, (3, H, W) uint8 RGB, begins a GOP after `frames_in_gop` frames of the last one (None = there is none yet).

        `key`: it shall in any case.
        """
        cut = self._detector.is_cut(frame)  # also where it cannot matter: the detector needs to see every frame
        return frames_in_gop is None or key or cut or frames_in_gop >= self._longest
