"""An HDR frame to 8-bit SDR in BT.709."""

from typing import Any

import av
import numpy as np
from av.video.format import VideoFormat as PixelFormat
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from streamcodec.errors import SourceError
from streamcodec.types import ColorSpec, Hdr
from streamcodec.video.color import LUMA_WEIGHTS, Plane, effective_matrix
from streamcodec.video.hdr import curves
from streamcodec.video.pixels import FULL, LIMITED, SCALER, simplest_layout

__all__ = ["SDR", "HdrConverter", "hdr_converter", "hdr_name"]

SDR = ColorSpec(1, 1, 1)
"""BT.709, limited range."""

_NAMES = {curves.PQ: "PQ", curves.HLG: "HLG"}
_MATRICES = {  # linear RGB of these primaries (H.273) to those of BT.709
    9: ((1.660491, -0.587641, -0.072850), (-0.124550, 1.132900, -0.008349), (-0.018151, -0.100579, 1.118730)),
    12: ((1.224940, -0.224940, 0.0), (-0.042057, 1.042057, 0.0), (-0.019638, -0.078636, 1.098274)),
}  # fmt: skip
_BT709, _BT2020 = 1, 9
_LUMINANCE = (0.2627, 0.6780, 0.0593)  # of BT.2020

Light = NDArray[np.float32]


def hdr_name(pixel_format: PixelFormat, color: ColorSpec) -> str | None:
    """ "PQ" or "HLG" for frames of more than 8 bits; None for others. 8-bit frames lose nothing and stay as they are."""
    bits = max(component.bits for component in pixel_format.components)
    return _NAMES.get(color.transfer) if bits > 8 else None


def hdr_converter(
    name: str, pixel_format: PixelFormat, color: ColorSpec, how: Hdr
) -> "HdrConverter | None":
    """What converts frames like these; None if they are not HDR. Raises SourceError if HDR is to be refused."""
    kind = hdr_name(pixel_format, color)
    if kind is None:
        return None
    if how == "refuse":
        raise SourceError(
            f"{name} is HDR ({kind}), a stream has 8 bits; --hdr tonemap or --hdr clip makes SDR of it"
        )
    return HdrConverter(color, how)


class HdrConverter:
    """`color`: of the frames, with transfer PQ or HLG. "tonemap": light is scaled by a curve of the brightest of R, G and B, so that hues
    stay; half of SDR white and less is kept, 1000 cd/m2 becomes white. "clip": light above SDR white is cut off, all else is kept.
    """

    def __init__(self, color: ColorSpec, how: Hdr) -> None:
        self._color, self._how = color, how
        self._scaler = VideoReformatter()
        is_pq = color.transfer == curves.PQ
        self._light = curves.pq_light() if is_pq else curves.scene_light()
        self._gain = None if is_pq else curves.system_gain()
        self._ratios = curves.ratios()
        self._codes = curves.display_code()
        wanted = color.primaries if color.primaries in (*_MATRICES, _BT709) else _BT2020
        matrix = _MATRICES.get(wanted)
        self._gamut = None if matrix is None else np.array(matrix, np.float32)

    @property
    def note(self) -> str:
        done = "tone-mapped" if self._how == "tonemap" else "cut off at SDR white"
        return f"its HDR ({_NAMES[self._color.transfer]}) was {done}, in BT.709"

    def load(self, frame: av.VideoFrame) -> Plane:
        """(3, H, W) uint8 RGB."""
        signal = self._signal(frame)
        light = self._light[_steps(signal)]
        if self._gain is not None:
            luminance = sum(w * plane for w, plane in zip(_LUMINANCE, light, strict=True))
            light *= self._gain[_steps(np.sqrt(luminance))]
        if self._how == "tonemap":
            brightest = light.max(axis=0) / np.float32(curves.PEAK)
            over = np.maximum(brightest, 1)  # above the peak: white, of that hue
            light *= self._ratios[_steps(np.sqrt(np.minimum(brightest, 1)))] / over
        if self._gamut is not None:
            red, green, blue = light
            light = np.stack([a * red + b * green + c * blue for a, b, c in self._gamut])
        return self._codes[_steps(np.sqrt(np.clip(light, 0, 1)))]

    def _signal(self, frame: av.VideoFrame) -> Light:
        """(3, H, W) non-linear R, G, B, 0 .. 1."""
        is_rgb = simplest_layout(frame.format) == "gbrp"
        matrix = effective_matrix(self._color, frame.width, frame.height)
        color_range = FULL if self._color.full_range else LIMITED
        settings: dict[str, Any] = {"format": "gbrp16le" if is_rgb else "yuv444p16le"}
        if not is_rgb:
            settings |= {"src_colorspace": matrix, "dst_colorspace": matrix}
            settings |= {"src_color_range": color_range, "dst_color_range": color_range}
        made = self._scaler.reformat(frame, interpolation=SCALER, **settings)
        planes = [_samples(made, index) for index in range(3)]
        if is_rgb:
            rgb: Light = np.stack([planes[2], planes[0], planes[1]]) / np.float32(65535)
            return rgb
        return _rgb_of(planes, LUMA_WEIGHTS[matrix], full_range=self._color.full_range)


def _rgb_of(planes: list[Light], weights: tuple[float, float], *, full_range: bool) -> Light:
    """R, G, B, 0 .. 1, of 16-bit Y, Cb, Cr. `weights`: of red and blue in Y."""
    low, luma, chroma = (0, 65535, 65535) if full_range else (16 << 8, 219 << 8, 224 << 8)
    red_weight, blue_weight = weights
    y = (planes[0] - np.float32(low)) / np.float32(luma)
    cb, cr = ((plane - np.float32(1 << 15)) / np.float32(chroma) for plane in planes[1:])
    red = y + np.float32(2 * (1 - red_weight)) * cr
    blue = y + np.float32(2 * (1 - blue_weight)) * cb
    green = (y - np.float32(red_weight) * red - np.float32(blue_weight) * blue) / np.float32(
        1 - red_weight - blue_weight
    )
    rgb: Light = np.clip(np.stack([red, green, blue]), 0, 1)
    return rgb


def _samples(frame: av.VideoFrame, index: int) -> Light:
    plane = frame.planes[index]
    buffer: Any = plane  # offers the buffer protocol, which its stub does not say
    samples = np.frombuffer(buffer, "<u2").reshape(-1, plane.line_size // 2)
    return samples[: plane.height, : plane.width].astype(np.float32)


def _steps(value: Light) -> NDArray[np.int32]:
    """0 .. 1 to the entries of a table."""
    steps: NDArray[np.int32] = np.rint(value * np.float32(curves.STEPS - 1)).astype(np.int32)
    return steps
