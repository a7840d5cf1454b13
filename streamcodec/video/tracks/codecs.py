"""The codecs of sound and subtitles that are carried: FFmpeg's name -> Matroska's (RFC 9559 and its registry).

A muxer takes the parameters of a track from a stream of an input. The streams of ours come from a container of our own, so `template` makes
the head of a Matroska file with one track, which FFmpeg opens.
"""

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction

import av
from av.container import OutputContainer
from av.stream import Stream

from streamcodec.errors import OutputError
from streamcodec.tracks import AudioTrack, Track

__all__ = ["is_carried", "template"]

_PCM = {
    "pcm_u8": ("A_PCM/INT/LIT", 8),
    **{f"pcm_s{bits}le": ("A_PCM/INT/LIT", bits) for bits in (16, 24, 32)},
    **{f"pcm_s{bits}be": ("A_PCM/INT/BIG", bits) for bits in (16, 24, 32)},
    **{f"pcm_f{bits}le": ("A_PCM/FLOAT/IEEE", bits) for bits in (32, 64)},
}
_WAVE_FORMATS = {"pcm_alaw": 6, "pcm_mulaw": 7}
_MOV_TEXT = "mov_text"
_NAMES = {
    "aac": "A_AAC",
    "ac3": "A_AC3",
    "alac": "A_ALAC",
    "dts": "A_DTS",
    "eac3": "A_EAC3",
    "flac": "A_FLAC",
    "mlp": "A_MLP",
    "mp1": "A_MPEG/L1",
    "mp2": "A_MPEG/L2",
    "mp3": "A_MPEG/L3",
    "opus": "A_OPUS",
    "truehd": "A_TRUEHD",
    "tta": "A_TTA1",
    "vorbis": "A_VORBIS",
    "wavpack": "A_WAVPACK4",
    **dict.fromkeys(_WAVE_FORMATS, "A_MS/ACM"),
    **{codec: name for codec, (name, _) in _PCM.items()},
    "ass": "S_TEXT/ASS",
    "dvb_subtitle": "S_DVBSUB",
    "dvd_subtitle": "S_VOBSUB",
    "hdmv_pgs_subtitle": "S_HDMV/PGS",
    "subrip": "S_TEXT/UTF8",
    "webvtt": "D_WEBVTT/SUBTITLES",
}
_HEAD, _SEGMENT, _INFO, _TRACKS, _TRACK, _AUDIO, _CLUSTER = (
    0x1A45DFA3,
    0x18538067,
    0x1549A966,
    0x1654AE6B,
    0xAE,
    0xE1,
    0x1F43B675,
)


def is_carried(codec: str) -> bool:
    """Whether packets of this codec go into a stream and out again."""
    return codec in _NAMES or codec == _MOV_TEXT


@contextmanager
def template(track: Track, padding: int = 0) -> Iterator[Stream]:
    """A stream of an input with the codec of `track`, for a muxer to copy; `padding`: samples of encoder delay that the muxer stores.

    Raises OutputError if FFmpeg does not know the codec.
    """
    head = _mp4_head() if track.codec == _MOV_TEXT else _matroska_head(track, padding)
    try:
        container = av.open(io.BytesIO(head))
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise OutputError(f"FFmpeg cannot copy {track}: {error}") from error
    with container:
        stream = container.streams[0]
        if stream.codec_context is None:
            raise OutputError(f"FFmpeg cannot copy {track}: it does not know the codec")
        yield stream


def _matroska_head(track: Track, padding: int) -> bytes:
    name = _NAMES[track.codec]
    is_audio = isinstance(track, AudioTrack)
    parts = [
        _integer(0xD7, 1),  # number
        _integer(0x73C5, 1),  # unique number
        _integer(0x83, 2 if is_audio else 17),  # type
        _element(0x86, name.encode()),
    ]
    if isinstance(track, AudioTrack):
        parts.append(_integer(0x56AA, round(Fraction(padding, track.sample_rate) * 10**9)))
        parts.append(_audio(track))
    if track.codec in _WAVE_FORMATS and isinstance(track, AudioTrack):
        parts.append(_element(0x63A2, _wave_format(track)))
    return b"".join(
        (
            _element(
                _HEAD, _element(0x4282, b"matroska"), _integer(0x4287, 4), _integer(0x4285, 2)
            ),
            _element(
                _SEGMENT,
                _element(_INFO, _integer(0x2AD7B1, 10**6)),  # ticks of a millisecond
                _element(_TRACKS, _element(_TRACK, *parts)),
                _element(_CLUSTER, _integer(0xE7, 0)),
            ),
        )
    )


def _audio(track: AudioTrack) -> bytes:
    bits = _PCM[track.codec][1] if track.codec in _PCM else 0
    return _element(
        _AUDIO,
        _element(0xB5, struct.pack(">d", track.sample_rate)),
        _integer(0x9F, track.channels),
        *([_integer(0x6264, bits)] if bits else []),
    )


def _wave_format(track: AudioTrack) -> bytes:
    """WAVEFORMATEX of 8 bits a sample."""
    form, rate, channels = _WAVE_FORMATS[track.codec], track.sample_rate, track.channels
    return struct.pack("<HHIIHHH", form, channels, rate, rate * channels, channels, 8, 0)


def _integer(number: int, value: int) -> bytes:
    return _element(number, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def _element(number: int, *content: bytes) -> bytes:
    """An EBML element (RFC 8794) with a size of 8 bytes."""
    body = b"".join(content)
    name = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return name + (1 << 56 | len(body)).to_bytes(8, "big") + body


def _mp4_head() -> bytes:
    """Of MP4's own text, which Matroska has no name for."""
    file = io.BytesIO()
    container = av.open(file, "w", format="mp4")
    assert isinstance(container, OutputContainer)
    add = getattr(container, "add_mux_stream", None)
    if add is None:
        raise OutputError("mov_text takes PyAV 17 or later; update it, or give --subtitles none")
    add(_MOV_TEXT).time_base = Fraction(1, 1000)
    container.start_encoding()
    container.close()
    return file.getvalue()
