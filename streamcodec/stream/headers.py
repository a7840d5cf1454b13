"""What a stream says of itself: its header, by the options, the codec and the source."""

from collections.abc import Sequence

from streamcodec._version import __version__
from streamcodec.codec import Codec, FrameModel
from streamcodec.container import Header, ModelRef
from streamcodec.container.limits import DEFAULT_LIMITS
from streamcodec.stream.options import EncodeOptions
from streamcodec.text import shown
from streamcodec.tracks import AudioTrack, Chapter, SubtitleTrack, Track
from streamcodec.types import VideoFormat

__all__ = ["left_out_tags", "make_header"]

SHOWN_TAGS = 4  # of those that are left out
MAX_TAG_BYTES = (
    1 << 18
)  # of all tags together: the header has a limit, and players read it before the first picture


def make_header(
    video: VideoFormat,
    options: EncodeOptions,
    codec: Codec,
    metadata: dict[str, str],
    tracks: Sequence[Track] = (),
    chapters: Sequence[Chapter] = (),
) -> Header:
    """The header of a stream of this video, coded by this codec."""
    return Header(
        video=video,
        intra=_ref(codec.intra),
        inter=None if codec.inter is None else _ref(codec.inter),
        frame_format=codec.frame_format,
        precision=codec.precision,
        device=codec.encode_device_type,
        gop_length=options.gop,
        b_frames=_longest_run(options, codec),
        quality=options.quality,
        audio_tracks=tuple(track for track in tracks if isinstance(track, AudioTrack)),
        subtitle_tracks=tuple(track for track in tracks if isinstance(track, SubtitleTrack)),
        metadata=_fitting(metadata),
        chapters=tuple(chapters),
        software=f"streamcodec {__version__}",
    )


def _longest_run(options: EncodeOptions, codec: Codec) -> int:
    """Most B-frames in a row: a GOP has an I-frame before them and a P-frame behind."""
    return max(min(options.b_frames, options.gop - 2), 0) if codec.codes_b_frames else 0


def _fitting(metadata: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """The tags that fit: a source with a book in its comment must not be refused for it, nor its stream by readers."""
    kept: list[tuple[str, str]] = []
    left = MAX_TAG_BYTES
    for key, value in metadata.items():
        size = len(key.encode(errors="replace")) + len(value.encode(errors="replace"))
        if size <= left and len(kept) < DEFAULT_LIMITS.tags:
            kept.append((key, value))
            left -= size
    return tuple(kept)


def left_out_tags(metadata: dict[str, str], header: Header) -> tuple[str, ...]:
    """A note on the tags of a source that the header has no room for; none where all are kept."""
    kept = dict(header.metadata)
    left = [key for key in metadata if key not in kept]
    if not left:
        return ()
    names = shown(", ".join(left[:SHOWN_TAGS]), 200)
    more = f" and {len(left) - SHOWN_TAGS} more" if len(left) > SHOWN_TAGS else ""
    size = sum(len(metadata[key].encode(errors="replace")) for key in left)
    room = f"{DEFAULT_LIMITS.tags} tags of {MAX_TAG_BYTES} bytes together"
    return (f"its tags {names}{more} are not kept: {size} bytes; a stream has room for {room}",)


def _ref(model: FrameModel) -> ModelRef:
    return ModelRef(model.name, model.id)
