"""Frames in, packets out: the encoder as a live source uses it, one frame at a time."""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from numbers import Integral

from streamcodec.codec import (
    Between,
    Codec,
    CodedFrame,
    GopDigest,
    Reference,
    decode_frame,
    encode_frame,
    is_b_frame,
    pyramid,
)
from streamcodec.container import Packet, PacketType
from streamcodec.errors import UsageError
from streamcodec.stream.control.offsets import PlaceInGop
from streamcodec.stream.control.rate import controller_of
from streamcodec.stream.gops.boundaries import GopBoundaries
from streamcodec.stream.gops.reorder import Pushed, Reorder
from streamcodec.stream.headers import make_header
from streamcodec.stream.options import EncodeOptions
from streamcodec.stream.reading.frames import Frame, frame_of
from streamcodec.stream.source import Pixels, as_format, raw_frame
from streamcodec.tracks import Chapter, Track
from streamcodec.types import RawFrame, VideoFormat
from streamcodec.weights import NO_MODEL, load_codec

__all__ = ["Encoder", "Pixels"]


class Encoder:
    """Codes frames as they come; keeps a reference, the frames that it holds back and those in `shown`, however long the stream.

        encoder = streamcodec.Encoder(VideoFormat(640, 480, time_base=Fraction(1, 30)))
        writer = streamcodec.container.Writer(file, encoder.header)
        for pts, frame in enumerate(camera):
            for packet in encoder.push(frame, pts=pts):
                writer.write(packet)
        for packet in encoder.flush():
            writer.write(packet)
        writer.finish()

    B-frames are coded after the P-frame behind them, so up to `options.b_frames` frames are held back; their packets come later, in order
    of display. With `b_frames=0`, as for a camera, every push gives the packet of its frame.

    Frames are coded in the format of the models, `codec.frame_format`: 4:2:0 planes as they come (RawFrame), or RGB; frames of the other
    format are converted, by the colour of `video`. `codec` overrides the models, device, precision and preset that `options` names. With a
    target in the options the quality changes from frame to frame, by what the frames before became. `tracks` and `chapters` go into the
    header; packets of the tracks are made with `container.pack_track_packet` and written between the frames. Raises ModelError if a model
    is not installed.

    `shown`: the frames whose packets the last push() or flush() returned, as every decoder shows them.
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
        self._order = Reorder(self.header.b_frames)
        self._pushed: Pushed | None = None  # the last one
        self._flushed = False
        self._key: Pushed | None = None  # of the GOP that is coded
        self._digest = GopDigest()
        self._anchor: Reference | None = None
        self._frames = 0
        self.shown: list[Frame] = []
        self._last_shown: Frame | None = None

    @property
    def frames(self) -> int:
        """Number of frames coded so far, without those that are held back."""
        return self._frames

    @property
    def gops(self) -> int:
        """Number of GOPs begun so far."""
        return 0 if self._key is None else self._key.gop + 1

    @property
    def reconstruction(self) -> Frame:
        """The last frame of which there is a packet, as every decoder shows it. Raises UsageError before the first."""
        if self._last_shown is None:
            raise UsageError("no frame has been coded yet; push one first")
        return self._last_shown

    def push(
        self,
        frame: RawFrame | Pixels,
        *,
        pts: int | None = None,
        duration: int = 0,
        key: bool = False,
        payload: bytes | None = None,
    ) -> list[Packet]:
        """Take one frame, and return the packets that are ready, in the order in which they are to be written: none while frames are held
        back, then those of several.

        `frame`: (3, H, W) uint8 RGB, a tensor or an array; a tuple of 4:2:0 planes, Y, U and V; or a RawFrame, which brings its own times,
        and whose planes are to stay as they are until its packet is there.
        `pts` (units of the time base) must rise; None follows the nominal frame rate. `key` starts a new GOP.
        `payload`: what an earlier run coded this frame to; it is decoded, not coded anew.
        Raises UsageError for another size, a pts that does not rise, or after flush().
        """
        if self._flushed:
            raise UsageError("the stream was flushed; start a new Encoder")
        raw = as_format(self._raw(frame, pts, duration), self.codec.frame_format, self.video)
        pushed = self._pushed = self._placed(raw, key, payload)
        return self._code(self._order.push(pushed, is_last=pushed.number + 1 == self.options.gop))

    def flush(self) -> list[Packet]:
        """The packets of the frames that are held back, and what closes the last GOP, after the last frame; nothing when called again."""
        packets = self._code(self._order.flush())
        if not self._flushed:
            packets += self._close_gop()
        self._flushed = True
        return packets

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
        last = self._pushed
        if last is not None and frame.pts <= last.raw.pts:
            raise UsageError(f"pts is {frame.pts} after {last.raw.pts}; timestamps must rise")
        return frame

    def _frame_duration(self) -> int:
        rate = self.video.frame_rate
        return max(round(1 / (rate * self.video.time_base)), 1) if rate is not None else 1

    def _next_pts(self) -> int:
        last = self._pushed
        if last is None:
            return 0
        rate, count = self.video.frame_rate, Fraction(last.index + 1)
        exact = count / (rate * self.video.time_base) if rate is not None else count
        return max(round(exact), last.raw.pts + 1)

    def _placed(self, raw: RawFrame, key: bool, payload: bytes | None) -> Pushed:
        """The frame with its place in the stream."""
        last = self._pushed
        begins = self._boundaries.begins_at(raw, None if last is None else last.number + 1, key=key)
        if last is None:
            return Pushed(raw, 0, 0, 0, payload)
        number = 0 if begins else last.number + 1
        return Pushed(raw, last.index + 1, last.gop + begins, number, payload)

    def _code(self, runs: Iterable[list[Pushed]]) -> list[Packet]:
        """The packets of what `Reorder` gave, in order of display."""
        self.shown = []
        packets: list[Packet] = []
        for frames in runs:
            for frame, coded in zip(frames, self._coded(frames), strict=True):
                packets += self._packets(frame, coded)
        return packets

    def _coded(self, frames: list[Pushed]) -> list[CodedFrame]:
        """B-frames and the anchor behind them: that is coded first, then the frames between."""
        *between, anchor = frames
        run = len(between)
        past = None if anchor.number == 0 else self._anchor
        known = {} if past is None else {0: past}
        coded = {run + 1: self._coded_frame(anchor, past, PlaceInGop(anchor.number, run))}
        known[run + 1] = coded[run + 1].reference
        for place in pyramid(run):
            frame = between[place.at - 1]
            two = place.between(known[place.past], known[place.future])
            in_gop = PlaceInGop(frame.number, run, place.level)
            coded[place.at] = self._coded_frame(frame, two, in_gop)
            known[place.at] = coded[place.at].reference
        self._anchor = known[run + 1]
        return [coded[at] for at in range(1, run + 2)]

    def _coded_frame(
        self, frame: Pushed, reference: Reference | Between | None, place: PlaceInGop
    ) -> CodedFrame:
        quality = self._rate.quality_for(frame.raw, place)
        if frame.number == 0 and self.codec.inter is not None:
            quality = self.options.quality_of_key(quality)
        if frame.payload is None:
            coded = encode_frame(self.codec, frame.raw.planes, reference, quality)
        else:
            size = (self.video.height, self.video.width)
            decoded = decode_frame(self.codec, frame.payload, reference, size)
            coded = CodedFrame(frame.payload, decoded)
        self._rate.add(frame.raw, coded)
        return coded

    def _packets(self, frame: Pushed, coded: CodedFrame) -> Iterator[Packet]:
        raw, is_key = frame.raw, frame.number == 0
        if is_key:
            yield from self._close_gop()
            self._key = frame
        packet = Packet(
            type=PacketType.FRAME,
            key=is_key,
            b_frame=is_b_frame(coded.payload),
            gop=frame.gop,
            frame=frame.index,
            pts=raw.pts,
            duration=raw.duration,
            payload=coded.payload,
        )
        yield packet
        self._digest.add(coded.planes)
        self._frames += 1
        self._last_shown = frame_of(packet, coded.planes, self.codec, self.video)
        self.shown.append(self._last_shown)

    def _close_gop(self) -> list[Packet]:
        if self._key is None or not self.options.hash:
            return []
        digest, self._digest = self._digest.digest(), GopDigest()
        return [
            Packet(
                type=PacketType.GOP_HASH,
                gop=self._key.gop,
                frame=self._key.index,
                payload=digest,
            )
        ]


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
