"""What tests of VideoWriter share: frames to write, and writing them."""

from fractions import Fraction
from pathlib import Path
from types import ModuleType

from streamcodec.types import ColorSpec, FrameFormat, RawFrame, VideoFormat
from streamcodec.video import VideoWriter, to_yuv420

VIDEO = VideoFormat(96, 64, Fraction(1, 90000), Fraction(30), color=ColorSpec(1, 1, 1, False))


def make_frames(
    synthetic: ModuleType, video: VideoFormat, pts: list[int], frame_format: FrameFormat = "rgb"
) -> list[RawFrame]:
    frames = []
    for number, stamp in enumerate(pts):
        rgb = synthetic.moving_frame(number, video.width, video.height)
        duration = pts[number + 1] - stamp if number + 1 < len(pts) else 9000
        frames.append(
            RawFrame(
                (rgb,) if frame_format == "rgb" else to_yuv420(rgb, video.color), stamp, duration
            )
        )
    return frames


def write(target: Path, video: VideoFormat, frames: list[RawFrame], **settings: object) -> Path:
    with VideoWriter(target, video, frame_format=frames[0].format, **settings) as writer:
        for frame in frames:
            writer.write(frame)
    return target
