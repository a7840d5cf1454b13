"""Where GOPs begin: the same rule for encoding frame by frame and for planning a video."""

from streamcodec.motion.scenecut import SceneCutDetector
from streamcodec.stream.options import EncodeOptions
from streamcodec.types import RawFrame
from streamcodec.video import gray_from_rgb

__all__ = ["GopBoundaries"]


class GopBoundaries:
    """Asked once for every frame, in order: a GOP begins at the first frame, at scene cuts, and where the one before is full."""

    def __init__(self, options: EncodeOptions) -> None:
        self._detector = SceneCutDetector(options.scenecut)
        self._longest = options.gop

    def begins_at(self, frame: RawFrame, frames_in_gop: int | None, *, key: bool = False) -> bool:
        """Whether `frame` begins a GOP after `frames_in_gop` frames of the last one (None = there is none yet).

        `key`: it shall in any case.
        """
        luma = gray_from_rgb(frame.planes[0]) if frame.format == "rgb" else frame.planes[0]
        cut = self._detector.is_cut(
            luma
        )  # also where it cannot matter: the detector needs to see every frame
        return frames_in_gop is None or key or cut or frames_in_gop >= self._longest
