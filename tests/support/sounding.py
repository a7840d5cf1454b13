"""Small made-up videos with sound, subtitles and chapters, written by PyAV directly and not by the code under test."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

Packets = list[tuple[Fraction, Fraction, bytes, list[tuple[str, bytes]]]]

SRT = "1\n00:00:00,200 --> 00:00:00,900\nEins\n\n2\n00:00:01,000 --> 00:00:01,400\nZwei\n"
ASS = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,20

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:00.20,0:00:00.90,Default,,0,0,0,,Eins
Dialogue: 0,0:00:01.00,0:00:01.40,Default,,0,0,0,,Zwei
"""


@dataclass
class Sound:
    """A track of a tone: `samples` from sample `first` on."""

    codec: str = "aac"
    samples: int = 72000
    first: int = 0
    language: str = ""
    title: str = ""
    disposition: int | None = None
    rate: int = 48000


@dataclass
class Sounding:
    """What to write. `subtitles`: (SRT or ASS text, language). `mov_text`: (start in ms, duration in ms, text)."""

    sounds: Sequence[Sound] = (Sound(),)
    subtitles: Sequence[tuple[str, str]] = ()
    mov_text: Sequence[tuple[int, int, str]] = ()
    chapters: Sequence[tuple[int, int, str]] = ()
    frames: int = 36
    first_frame: int = 0
    tags: dict[str, str] = field(default_factory=dict)
    attachment: bytes = b""


def write_sounding(path: Path, what: Sounding) -> Path:
    """Write frames at 25 a second, and the rest; the chapters' times are in milliseconds."""
    codec = "libvpx" if path.suffix == ".webm" else "libx264"
    with av.open(str(path), "w") as output:
        output.metadata.update(what.tags)
        video = output.add_stream(codec, rate=25, options={"g": "12"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        tracks = [_add_sound(output, sound) for sound in what.sounds]
        if what.chapters:
            output.set_chapters(
                [
                    {
                        "id": number,
                        "start": start,
                        "end": end,
                        "time_base": Fraction(1, 1000),
                        "metadata": {"title": title},
                    }
                    for number, (start, end, title) in enumerate(what.chapters)
                ]
            )
        if what.attachment:
            output.add_attachment("font.ttf", "font/ttf", what.attachment)
        copies = [_add_subtitles(output, text, language) for text, language in what.subtitles]
        text_stream = output.add_mux_stream("mov_text") if what.mov_text else None
        packets = []
        for sound, track in zip(what.sounds, tracks, strict=True):
            packets += _tone(sound, track)
        for number in range(what.first_frame, what.first_frame + what.frames):
            packets += video.encode(_picture(number))
        packets += video.encode(None)
        for source, stream in copies:
            packets += _copied(source, stream)
        for start, duration, text in what.mov_text:
            packets.append(_text_packet(text_stream, start, duration, text))
        packets.sort(key=lambda packet: packet.dts * packet.time_base)
        for packet in packets:
            output.mux(packet)
    return path


def packets_of(path: Path) -> list[Packets]:
    """Packets of every track of sound and subtitles: time and duration in seconds, bytes, side data."""
    with av.open(str(path)) as container:
        indexes = [s.index for s in container.streams if s.type in ("audio", "subtitle")]
    return [_packets_of(path, index) for index in indexes]


def frame_times(path: Path) -> list[Fraction]:
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


def tracks_of(path: Path) -> list[tuple[str, str | None, int, str | None]]:
    """(codec, language, disposition, title) of the tracks of sound and subtitles."""
    with av.open(str(path)) as container:
        return [
            (
                stream.codec_context.codec.canonical_name,
                stream.language,
                int(stream.disposition),
                stream.metadata.get("title"),
            )
            for stream in container.streams
            if stream.type in ("audio", "subtitle")
        ]


def _packets_of(path: Path, index: int) -> Packets:
    with av.open(str(path)) as container:
        stream = container.streams[index]
        return [
            (
                packet.pts * packet.time_base,
                packet.duration * packet.time_base,
                bytes(packet),
                [(data.data_type, bytes(data)) for data in packet.iter_sidedata()],
            )
            for packet in container.demux(stream)
            if packet.pts is not None
        ]


def _add_sound(output: Any, sound: Sound) -> Any:
    track = output.add_stream(sound.codec, rate=sound.rate)
    track.layout = "stereo"
    if sound.language:
        track.metadata["language"] = sound.language
    if sound.title:
        track.metadata["title"] = sound.title
    if sound.disposition is not None:
        track.disposition = sound.disposition
    return track


def _tone(sound: Sound, track: Any) -> list[Any]:
    packets = []
    for first in range(sound.first, sound.first + sound.samples, 1024):
        count = min(1024, sound.first + sound.samples - first)
        wave = (8000 * np.sin(0.05 * np.arange(first, first + count))).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(wave.repeat(2)[None], format="s16", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = sound.rate, first, Fraction(1, sound.rate)
        packets += track.encode(frame)
    return packets + track.encode(None)


def _picture(number: int) -> Any:
    rows, columns = np.indices((48, 64))
    gray = ((rows * 3 + columns * 2 + 5 * number) % 256).astype(np.uint8)
    frame = av.VideoFrame.from_ndarray(np.stack([gray] * 3, 2), "rgb24").reformat(format="yuv420p")
    frame.pts, frame.time_base = number, Fraction(1, 25)
    return frame


def _add_subtitles(output: Any, text: str, language: str) -> tuple[Any, Any]:
    source = av.open(io.BytesIO(text.encode()), format="srt" if text is SRT else "ass")
    stream = output.add_stream_from_template(source.streams[0])
    stream.metadata["language"] = language
    return source, stream


def _copied(source: Any, stream: Any) -> list[Any]:
    packets = [packet for packet in source.demux() if packet.pts is not None]
    for packet in packets:
        packet.stream = stream
    return packets


def _text_packet(stream: Any, start: int, duration: int, text: str) -> Any:
    data = text.encode()
    packet = av.Packet(len(data).to_bytes(2, "big") + data)
    packet.pts = packet.dts = start
    packet.duration, packet.time_base, packet.stream = duration, Fraction(1, 1000), stream
    packet.is_keyframe = True
    return packet
