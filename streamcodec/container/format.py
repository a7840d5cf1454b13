"""The .ssf container, version 1.2, byte by byte; then the constants and the primitives that the other files pack and unpack with.

Conventions
    Integers of fixed width (u8, u16, u32, u64) are unsigned and little-endian.
    varint    unsigned, below 2^64: seven bits a byte, lowest first, bit 7 set in every byte but the last; 10 bytes at most.
    signed    -2^63 .. 2^63 - 1 as a varint: n >= 0 as 2n, n < 0 as -2n - 1.
    rational  two varints, numerator and denominator, each 1 .. 2^31 - 1.
    blob      varint size, then that many bytes.          text    a blob that holds UTF-8.
    crc       u32, CRC-32C (Castagnoli; that of "123456789" is 0xE3069283).
    Times (pts, duration) are integers in units of the time base of their track.

Stream
    A prologue, then packets one after another: those of the first GOP, of the second and so on; then an index packet, a header packet and
    an end packet. Only the end refers backwards, so a stream can be written to a pipe; every packet stands for itself, so reading can start
    at any.
    Offsets count bytes from the first byte of the magic. Nothing follows the end packet: two streams joined in a file are the first of them
    and surplus bytes, which a reader that can seek reports (their frame numbers would clash). A stream of zero frames is a valid stream.
    Where the prologue is damaged, a reader that can seek takes the copy in the header packet, which lies in the last 2^20 + 400 bytes;
    the packets begin behind as many bytes as the copy has, or at the first packet header whose checksum is right.

Prologue
    magic     8     89 53 53 46 0D 0A 1A 0A   a high bit, "SSF", CR LF, ctrl-Z, LF: text-mode transfers damage it visibly
    major     u16   1. Another major version may differ in everything that follows, so it is refused.
    minor     u16   2. A higher minor version only adds fields and packet types that may be skipped, or fields that must be understood.
    size      u32   bytes of `fields`, at most 2^20
    crc       u32   of major, minor, size and fields
    fields    size  fields one after another in any order; only tracks and metadata may come more than once

Field
    tag       varint  2 * number + must; must = 1: a reader that does not know the number refuses the stream; 0: it skips the field
    value     blob    as follows, and nothing after it (! = always there, must = the bit that the writer sets)

     1 picture !            must   width varint, height varint: of the stored picture in pixels, before rotation, each 1 .. 16384
     2 time base !          must   rational, seconds, of the frames' pts and duration
     3 frame format !       must   u8, what the models code: 0 = rgb, 1 = yuv420
     4 intra model !        must   name text (1 .. 255 bytes), id 16 bytes (hash of weights and tables): codes I-frames
     5 inter model          must   the same for P- and B-frames; without it every frame is an I-frame
     6 arithmetic !                u8, the encoder's: 0 = fp32, 1 = bf16; device text, its kind ("cpu", "cuda"), for information
     7 crop                 must   left, top, width, height varint: the part of the stored picture to show
     8 frame rate                  rational, nominal, frames a second
     9 sample aspect ratio! must   rational, width of a sample over its height
    10 rotation !           must   u8, quarter turns counter-clockwise to show it upright, 0 .. 3
    11 colour !             must   primaries u8, transfer u8, matrix u8 (code points of ITU-T H.273), range u8: 0 = limited, 1 = full
    12 bit depth !                 u8, of the source, 1 .. 32
    13 mastering display           SMPTE ST 2086: red x, y, green x, y, blue x, y, white x, y in steps of 0.00002 (u16 each);
                                   highest, lowest luminance in steps of 0.0001 cd/m2 (u32 each)
    14 content light               CTA-861.3: highest content light level u16, highest frame-average light level u16, in cd/m2
    15 GOP length                  varint, nominal, frames, 1 .. 2^31 - 1
    16 quality                     u8, nominal, 0 .. 63
    17 audio track                 number varint (1 .. 64, not used twice), codec text (FFmpeg's name), time base rational,
                                   sample rate varint (Hz), channels varint, layout text, extradata blob, language text (ISO 639-2 or empty)
    18 subtitle track              number, codec, time base, extradata, language: as above
    19 metadata                    key text, value text, of the source; any number, order kept
    20 software !                  text, what wrote the stream
    since 1.1
    21 track detail                number varint of a track above, once for each at most; disposition varint (FFmpeg's bits: 1 = default,
                                   ...); key text, value text of the track (title, ...), any number of times
    22 chapter                     start signed, end signed, time base rational, in the times of the frames; key text, value text, any
                                   number of times. Any number of chapters, order kept
    since 1.2
    23 B-frames             must   u8, most B-frames in a row, 0 .. 7; without it 0

Packet
    sync          2       D7 8B
    header_size   u8      bytes from sync to header_crc, both within; 19 .. 255
    type          u8      below; a reader skips packets of types that it does not know
    flags         u8      bit 0 = key: the frame starts a GOP (audio and subtitles: as FFmpeg has it); since 1.2
                          bit 1 = B-frame; a reader ignores the other bits
    track         u8      0 = the video, else the number of a track of the header
    gop           varint  number of the GOP, from 0; 0 in packets that belong to no GOP
    frame         varint  number of the frame in the stream in order of display, from 0; 0 where it is not a frame
    pts           signed  when it is shown
    duration      varint  how long, 0 = unknown; gop, frame, duration and pts + duration are below 2^63
    payload_size  varint  at most 2^28
    items         since 1.1, of audio and subtitles, as far as payload_crc: kind varint, value blob, each kind once at most; readers skip
                  kinds that they do not know, and whatever stands here in other packets
    payload_crc   crc     of the payload
    header_crc    crc     of the header before it
    payload       payload_size
    Varints, because a P-frame can be 100 bytes: a frame's header takes 24 bytes where fixed 64-bit fields would take 48, and nothing
    overflows in streams that run for years. A false sync word costs one check of header_crc; chance passes both once in 2^48 bytes.

Types
    1 frame        one coded frame; the bytes are the codec's. Numbers rise by one, pts rise. A key frame starts the next GOP, the others
                   continue theirs. Packets lie in order of display: B-frames lie in front of the frame behind them, without which they
                   cannot be decoded. The first and the last frame of a GOP are no B-frames, nor are more in a row than field 23 says.
    2 audio        one packet of an audio track, as FFmpeg has it. Item 1 = trim: start varint, end varint, samples that a player drops from
                   the beginning and from the end of what the packet decodes to
    3 subtitle     one packet of a subtitle track, as FFmpeg has it. Items 2 and 3: identifier and settings of a WebVTT cue, UTF-8
    4 GOP hash     behind the frames of `gop`: the first 16 bytes of SHA-256 over the pixels of its decoded frames in order, uint8;
                   rgb: (3, H, W), yuv420: Y, U, V
    5 metadata     key text, value text, any number of times: what becomes known only while the stream runs, valid from pts on
    6 index        below
    8 header       the whole prologue once more, byte for byte (since 1.1; a stream of one frame or none goes without)
    7 end          24 bytes, the last of the stream: index_offset u64 (of the index packet; 0 = there is none), stream_size u64 (bytes,
                   with these), crc of these 16 bytes, "SSF" 1A. A reader that can seek starts here.

Sound and subtitles
    A packet that begins while a frame is shown lies behind that frame, before what follows it, and so within the GOP that it is heard with;
    what begins before the first frame lies behind the first, what begins after the last frame behind the last, both by time. `gop` is that
    GOP, frame 0. A source that cannot be read twice (a pipe) may bring them later: a reader goes by their pts, not by their place.
    A damaged one costs itself alone. A stream of a part of a video has the audio packets that begin in the part and the subtitles that are
    shown in it.

Index (payload of the index packet)
    count         varint  number of GOPs; they are numbered from 0 and lie one behind the other
    end_pts       signed  pts + duration of the last frame; 0 if there is none
    offset        varint  of the first GOP's key packet; 0 if there is none
    first_pts     signed  of the first frame; 0 if there is none
    and for each GOP
    pts_step      varint  pts of its first frame, less that of the GOP before; 0 for the first
    frame_count   varint  at least 1
    size          varint  bytes up to the next GOP's key packet, or up to the index packet
"""

import struct
from fractions import Fraction
from typing import Final, NoReturn

from streamcodec.errors import CorruptStreamError, UsageError

MAGIC: Final = b"\x89SSF\r\n\x1a\n"
VERSION: Final = (1, 2)
PROLOGUE: Final = struct.Struct("<8sHHII")
SYNC: Final = b"\xd7\x8b"
END_PAYLOAD: Final = struct.Struct("<QQI4s")
END_MAGIC: Final = b"SSF\x1a"

MAX_HEADER_SIZE: Final = 1 << 20
MAX_PAYLOAD_SIZE: Final = 1 << 28
MAX_NAME_SIZE: Final = 255
MAX_NUMBER: Final = (1 << 31) - 1
MODEL_ID_SIZE: Final = 16
_MAX_VARINT_SIZE: Final = 10


def pack_varint(value: int) -> bytes:
    if not 0 <= value < 1 << 64:
        raise UsageError(f"{value} cannot be stored; accepted: 0 .. 2^64 - 1")
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def pack_signed(value: int) -> bytes:
    return pack_varint(2 * value if value >= 0 else -2 * value - 1)


def unfold(value: int) -> int:
    """The signed number that a varint stands for."""
    return -(value >> 1) - 1 if value & 1 else value >> 1


def pack_rational(value: Fraction) -> bytes:
    if not (1 <= value.numerator <= MAX_NUMBER and 1 <= value.denominator <= MAX_NUMBER):
        raise UsageError(
            f"{value} cannot be stored; accepted: numerator and denominator in 1 .. 2^31 - 1"
        )
    return pack_varint(value.numerator) + pack_varint(value.denominator)


def pack_blob(value: bytes) -> bytes:
    return pack_varint(len(value)) + value


def pack_text(value: str) -> bytes:
    try:
        return pack_blob(value.encode())
    except UnicodeEncodeError as error:
        raise UsageError(
            f"{value!r} cannot be stored: it is not valid Unicode ({error.reason})"
        ) from error


class Cursor:
    """Unpacks primitives one after another from `data`; raises CorruptStreamError past its end. `what` names it in messages."""

    __slots__ = ("_at", "_data", "_what")

    def __init__(self, data: bytes, what: str, at: int = 0) -> None:
        self._data = data
        self._what = what
        self._at = at

    def varint(self) -> int:
        return self.varints(1)[0]

    def varints(self, count: int) -> list[int]:
        """The next `count` varints, in one loop: reading packet headers spends most of its time here."""
        numbers = []
        value = shift = 0
        for at, byte in enumerate(
            self._data[self._at : self._at + _MAX_VARINT_SIZE * count], self._at + 1
        ):
            if byte > 0x7F:
                value |= (byte & 0x7F) << shift
                shift += 7
                continue
            value |= byte << shift
            if shift >= 63 and (value >> 64 or shift > 63):
                self.refuse("a number is 2^64 or more, or has more than 10 bytes")
            numbers.append(value)
            if len(numbers) == count:
                self._at = at
                return numbers
            value = shift = 0
        self.refuse("it ends within a number, or a number has more than 10 bytes")

    def signed(self) -> int:
        return unfold(self.varint())

    def rational(self) -> Fraction:
        numerator, denominator = self.varint(), self.varint()
        if not (1 <= numerator <= MAX_NUMBER and 1 <= denominator <= MAX_NUMBER):
            self.refuse(f"a ratio is {numerator}/{denominator}; both must be in 1 .. 2^31 - 1")
        return Fraction(numerator, denominator)

    def take(self, size: int) -> bytes:
        if size > self.remaining:
            self.refuse(f"{size} bytes are announced and {self.remaining} are left")
        self._at += size
        return self._data[self._at - size : self._at]

    def fixed(self, layout: str) -> tuple[int, ...]:
        """Integers by a `struct` layout without its byte order."""
        return struct.unpack("<" + layout, self.take(struct.calcsize("<" + layout)))

    def blob(self) -> bytes:
        return self.take(self.varint())

    def text(self) -> str:
        try:
            return self.blob().decode()
        except UnicodeDecodeError:
            self.refuse("a text is not valid UTF-8")

    @property
    def remaining(self) -> int:
        return len(self._data) - self._at

    def done(self) -> None:
        if self.remaining:
            self.refuse(f"{self.remaining} surplus bytes")

    def refuse(self, reason: str) -> NoReturn:
        raise CorruptStreamError(f"{self._what}: {reason}")
