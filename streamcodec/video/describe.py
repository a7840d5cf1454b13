"""What a source says of its pictures, in the terms of `types`."""

from fractions import Fraction

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from streamcodec.checks import exact_seconds
from streamcodec.types import UNSPECIFIED, ColorSpec, VideoFormat
from streamcodec.video.color import RGB_MATRIX
from streamcodec.video.pixels import FULL, NO_RANGE, simplest_layout
from streamcodec.video.view import View

__all__ = ["describe", "estimate_frames", "nominal_rate", "span"]


def describe(
    frame: av.VideoFrame, stream: VideoStream, time_base: Fraction, view: View
) -> VideoFormat:
    """The format of a video whose first frame this is, as `view` gives it."""
    width, height = view.size((frame.width, frame.height))
    aspect = _aspect(stream)
    return VideoFormat(
        width=width,
        height=height,
        time_base=time_base,
        frame_rate=nominal_rate(stream),
        sample_aspect_ratio=1 / aspect if view.swaps_sides else aspect,
        rotation_degrees=view.rotation_degrees,
        color=_describe_color(frame, stream),
        bit_depth=max(component.bits for component in frame.format.components),
    )


def _aspect(stream: VideoStream) -> Fraction:
    """What the container says, or else what the decoder found in the first frame."""
    return stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio or Fraction(1)


def _describe_color(frame: av.VideoFrame, stream: VideoStream) -> ColorSpec:
    """RGB has no matrix and becomes YUV of limited range where YUV is wanted; grey without a range is full, as swscale has it."""
    layout = simplest_layout(frame.format)
    full = (
        frame.color_range == FULL
        or frame.format.name.startswith("yuvj")
        or (layout == "gray" and frame.color_range == NO_RANGE)
    )
    matrix = UNSPECIFIED if layout == "gbrp" or frame.colorspace == RGB_MATRIX else frame.colorspace
    holder = (
        frame if hasattr(frame, "color_primaries") else stream.codec_context
    )  # frames have them from PyAV 17 on
    return ColorSpec(holder.color_primaries, holder.color_trc, matrix, full and layout != "gbrp")


def nominal_rate(stream: VideoStream) -> Fraction | None:
    """Frames per second as the container tells them, or as FFmpeg guesses them."""
    return stream.average_rate or stream.guessed_rate or None


def span(
    stream: VideoStream, time_base: Fraction, start_seconds: float, duration_seconds: float | None
) -> tuple[int, int | None]:
    """The first tick and the one behind the last."""
    begin, length = exact_seconds(start_seconds), exact_seconds(duration_seconds or 0)
    first, behind = (
        (stream.start_time or 0) - int(-seconds // time_base) for seconds in (begin, begin + length)
    )  # rounded up
    return first, None if duration_seconds is None else behind


def estimate_frames(
    container: InputContainer,
    stream: VideoStream,
    start_seconds: float,
    duration_seconds: float | None,
    max_frames: int | None,
    constant_rate: Fraction | None = None,
) -> int | None:
    """How many frames there are in the part asked for, as far as the source tells; None if it does not. `constant_rate`: at which they are
    given, None = as they are."""
    rate = constant_rate or nominal_rate(stream)
    seconds = (
        float(stream.duration * (stream.time_base or 0))
        if stream.duration
        else (container.duration or 0) / av.time_base
    )
    is_whole = start_seconds == 0 and duration_seconds is None
    if is_whole and stream.frames and constant_rate is None:
        expected = stream.frames
    elif rate and seconds > 0:
        left = max(0.0, seconds - start_seconds)
        expected = max(
            1,
            round(
                float(rate) * (left if duration_seconds is None else min(left, duration_seconds))
            ),
        )
    else:
        return max_frames
    return expected if max_frames is None else min(expected, max_frames)
