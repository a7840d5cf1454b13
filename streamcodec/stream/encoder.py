"""Frames in, packets out: the encoder as a live source uses it, one frame at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from numbers import Integral

from streamcodec._version import __version__
from streamcodec.codec import Codec, CodedFrame, FrameModel, GopDigest, decode_frame, encode_frame
from streamcodec.container import Header, ModelRef, Packet, PacketType
from streamcodec.container.limits import DEFAULT_LIMITS
from streamcodec.errors import UsageError
from streamcodec.stream.control.rate import controller_of
from streamcodec.stream.gops import GopBoundaries
from streamcodec.stream.options import EncodeOptions
from streamcodec.stream.reading.frames import Frame
from streamcodec.stream.source import Pixels, as_format, raw_frame
from streamcodec.text import shown
from streamcodec.tracks import AudioTrack, Chapter, SubtitleTrack, Track
from streamcodec.types import RawFrame, VideoFormat
from streamcodec.weights import NO_MODEL, load_codec

__all__ = ["Encoder", "Pixels"]

SHOWN_TAGS = 4  # of those that are left out
MAX_TAG_BYTES = (
    1 << 18
)  # of all tags together: the header has a limit, and players read it before the first picture


@dataclass(frozen=True)
class _Gop:
    number: int
    first_frame: int


class Encoder:
    """Codes frames as they come; keeps one reference frame and nothing else, however long the stream.

        encoder = streamcodec.Encoder(VideoFormat(640, 480, time_base=Fraction(1, 30)))
        writer = streamcodec.container.Writer(file, encoder.header)
        for pts, frame in enumerate(camera):
            for packet in encoder.push(frame, pts=pts):
                writer.write(packet)
        for packet in encoder.flush():
            writer.write(packet)
        writer.finish()

    Frames are coded in the format of the models, `codec.frame_format`: 4:2:0 planes as they come (RawFrame), or RGB; frames of the other
    format are converted, by the colour of `video`. `codec` overrides the models, device, precision and preset that `options` names. With a
    target in the options the quality changes from frame to frame, by what the frames before became. `tracks` and `chapters` go into the
    header; packets of the tracks are made with `container.pack_track_packet` and written between the frames. Raises ModelError if a model
    is not installed.
    """

    def __init__(
        self,
        video: VideoFormat,
        options: EncodeOptions | None = None,
        *,
        codec: Codec | None = None,
        metadata: dict[str, str] | None = None,
        tracks: Sequence[Track] = (),
        chapters: Sequence[Chapter] = (),
    ) -> None:
        for name, value, kind in (
            ("video", video, VideoFormat),
            ("options", options, EncodeOptions),
            ("codec", codec, Codec),
        ):
            if not isinstance(value, kind) and (value is not None or name == "video"):
                raise UsageError(f"{name} is a {type(value).__name__}; accepted: a {kind.__name__}")
        self.options = options or EncodeOptions()
        self.codec = codec or codec_of(self.options)
        self.video = video
        self._rate = controller_of(self.options, video)
        self.header = make_header(
            video,
            self.options.at_quality(self._rate.start),
            self.codec,
            metadata or {},
            tracks,
            chapters,
        )
        self._boundaries = GopBoundaries(self.options)
        self._gop: _Gop | None = None
        self._digest = GopDigest()
        self._frames = 0
        self._flushed = False
        self._last_pts: int | None = None
        self._coded: CodedFrame | None = None
        self._shown: Frame | None = None

    @property
    def frames(self) -> int:
        """Number of frames coded so far."""
        return self._frames

    @property
    def gops(self) -> int:
        """Number of GOPs begun so far."""
        return 0 if self._gop is None else self._gop.number + 1

    @property
    def reconstruction(self) -> Frame:
        """The last frame as every decoder shows it. Raises UsageError before the first."""
        if self._shown is None:
            raise UsageError("no frame has been coded yet; push one first")
        return self._shown

    def push(
        self,
        frame: RawFrame | Pixels,
        *,
        pts: int | None = None,
        duration: int = 0,
        key: bool = False,
        payload: bytes | None = None,
    ) -> list[Packet]:
        """Code one frame and return its packets, in the order in which they are to be written.

        `frame`: (3, H, W) uint8 RGB, a tensor or an array; a tuple of 4:2:0 planes, Y, U and V; or a RawFrame, which brings its own times.
        `pts` (units of the time base) must rise; None follows the nominal frame rate. `key` starts a new GOP.
        `payload`: what an earlier run coded this frame to; it is decoded, not coded anew.
        Raises UsageError for another size, a pts that does not rise, or after flush().
        """
        if self._flushed:
            raise UsageError("the stream was flushed; start a new Encoder")
        raw = as_format(self._raw(frame, pts, duration), self.codec.frame_format, self.video)
        packets = []
        if self._starts_gop(raw, key):
            packets += self._close_gop()
            self._gop = _Gop(0 if self._gop is None else self._gop.number + 1, self._frames)
        gop = self._gop
        assert gop is not None
        is_key = gop.first_frame == self._frames
        reference = None if is_key or self._coded is None else self._coded.reference
        quality = self._rate.quality_for(raw, self._frames - gop.first_frame)
        if is_key and self.codec.inter is not None:
            quality = self.options.quality_of_key(quality)
        if payload is None:
            coded = encode_frame(self.codec, raw.planes, reference, quality)
        else:
            size = (self.video.height, self.video.width)
            coded = CodedFrame(payload, decode_frame(self.codec, payload, reference, size))
        self._rate.add(raw, coded)
        packets.append(self._packet(PacketType.FRAME, raw, coded.payload, gop.number, key=is_key))
        self._digest.add(coded.planes)
        kind = self.codec.model_for(reference).role
        self._shown = Frame(
            coded.planes,
            self._frames,
            kind,
            raw.pts,
            raw.duration,
            self.video.time_base,
            self.video.color,
        )
        self._coded, self._last_pts = coded, raw.pts
        self._frames += 1
        return packets

    def flush(self) -> list[Packet]:
        """The packets that close the last GOP, after the last frame; nothing when called again."""
        flushed, self._flushed = self._flushed, True
        return [] if flushed else self._close_gop()

    def _raw(self, frame: RawFrame | Pixels, pts: int | None, duration: int) -> RawFrame:
        for name, ticks in (("pts", pts), ("duration", duration)):
            if ticks is not None and not isinstance(ticks, Integral):
                raise UsageError(
                    f"{name} is {ticks!r}; accepted: an integer, in units of the time base"
                )
        if not isinstance(frame, RawFrame):
            frame = raw_frame(
                frame, self._next_pts() if pts is None else pts, duration or self._frame_duration()
            )
        if frame.size != (self.video.width, self.video.height):
            raise UsageError(
                f"frame is {frame.size[0]}x{frame.size[1]}; the stream is {self.video.width}x{self.video.height}"
            )
        if self._last_pts is not None and frame.pts <= self._last_pts:
            raise UsageError(f"pts is {frame.pts} after {self._last_pts}; timestamps must rise")
        return frame

    def _frame_duration(self) -> int:
        rate = self.video.frame_rate
        return max(round(1 / (rate * self.video.time_base)), 1) if rate is not None else 1

    def _next_pts(self) -> int:
        if self._last_pts is None:
            return 0
        rate = self.video.frame_rate
        exact = (
            Fraction(self._frames) / (rate * self.video.time_base)
            if rate is not None
            else Fraction(self._frames)
        )
        return max(round(exact), self._last_pts + 1)

    def _starts_gop(self, frame: RawFrame, key: bool) -> bool:
        frames_in_gop = None if self._gop is None else self._frames - self._gop.first_frame
        return self._boundaries.begins_at(frame, frames_in_gop, key=key)

    def _close_gop(self) -> list[Packet]:
        if self._gop is None or not self.options.hash:
            return []
        digest, self._digest = self._digest.digest(), GopDigest()
        return [
            Packet(
                type=PacketType.GOP_HASH,
                gop=self._gop.number,
                frame=self._gop.first_frame,
                payload=digest,
            )
        ]

    def _packet(
        self, kind: PacketType, raw: RawFrame, payload: bytes, gop: int, *, key: bool
    ) -> Packet:
        return Packet(
            type=kind,
            key=key,
            gop=gop,
            frame=self._frames,
            pts=raw.pts,
            duration=raw.duration,
            payload=payload,
        )


def chosen_codec(codec: Codec | None, options: EncodeOptions) -> Codec:
    """The codec that was given, or else the one that the options name. Raises UsageError if it is something else."""
    if codec is not None and not isinstance(codec, Codec):
        raise UsageError(
            f"codec is a {type(codec).__name__}; accepted: a Codec, as load_codec() makes it"
        )
    return codec or codec_of(options)


def codec_of(options: EncodeOptions) -> Codec:
    """The codec that the options name. GOPs of one frame need no inter model."""
    inter = NO_MODEL if options.gop == 1 else options.inter
    return load_codec(
        options.intra,
        inter,
        device=options.device,
        precision=options.precision,
        preset=options.preset,
    )


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
        quality=options.quality,
        audio_tracks=tuple(track for track in tracks if isinstance(track, AudioTrack)),
        subtitle_tracks=tuple(track for track in tracks if isinstance(track, SubtitleTrack)),
        metadata=_fitting(metadata),
        chapters=tuple(chapters),
        software=f"streamcodec {__version__}",
    )


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
