"""`streamcodec info IN`: reads the header and the index only."""

from collections.abc import Iterator
from dataclasses import asdict
from fractions import Fraction
from typing import Any

import click

from streamcodec.cli.common import say, say_json, source_argument
from streamcodec.cli.options import given, options_from
from streamcodec.container import Damage, Header, Index, PacketHeader, PacketType, Reader
from streamcodec.rates import bits_per_pixel, kbit_per_second
from streamcodec.stream.options import DecodeOptions
from streamcodec.stream.reading.opening import naming, reader_of, stream_file
from streamcodec.text import counted, human_bytes
from streamcodec.tracks import AudioTrack, Track
from streamcodec.types import UNSPECIFIED

__all__ = ["info"]

COLOR_NAMES = {
    "matrix": {
        **{0: "rgb", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m"},
        **{8: "ycgco", 9: "bt2020nc", 10: "bt2020c", 14: "ictcp"},
    },
    "primaries": {
        **{1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film"},
        **{9: "bt2020", 10: "smpte428", 11: "smpte431", 12: "smpte432", 22: "ebu3213"},
    },
    "transfer": {
        **{1: "bt709", 4: "gamma22", 5: "gamma28", 6: "smpte170m", 7: "smpte240m", 8: "linear"},
        **{11: "iec61966-2-4", 13: "srgb", 14: "bt2020-10", 15: "bt2020-12"},
        **{16: "smpte2084 (PQ)", 17: "smpte428", 18: "arib-std-b67 (HLG)"},
    },
}
"""Code points of ITU-T H.273 -> names, FFmpeg's as a rule."""


@click.command()
@source_argument
@click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")
@click.option("--packets", is_flag=True, help="List every packet.")
@options_from(DecodeOptions, "follow", "follow_timeout_seconds")
def info(source: str, as_json: bool, packets: bool, **options: Any) -> None:
    """Show what a stream holds. Reads its header and index; with --packets, the header of every
    packet.

    With --follow, of a stream that is still being written: a line for every GOP (with --packets,
    every packet) as it comes, and the whole at its end; with --json, an object on each line.
    """
    follow = bool(given(options).get("follow"))
    timeout = {"timeout_seconds": options["follow_timeout_seconds"]}
    with stream_file(source, follow=follow, **given(timeout)) as file, naming(file):
        reader = reader_of(file, "skip")
        if follow:
            for arrived in _arriving(reader, packets=packets):
                _say_arrived(arrived, as_json=as_json)
        facts = describe(reader.header, reader.index, reader.size_bytes)
        facts["version"] = ".".join(map(str, reader.version))
        if packets and not follow:
            facts["packets"] = [_packet_facts(item) for item in reader.headers()]
    if as_json and follow:
        say_json(facts, on_a_line=True)
    elif as_json:
        say_json(facts)
    else:
        say(*_text(facts))


def _arriving(reader: Reader, *, packets: bool) -> Iterator[dict[str, Any]]:
    """Facts about every packet as it comes, or about the first frame of every GOP."""
    for item in reader.headers(checked=True):
        if packets or isinstance(item, Damage) or (item.key and item.type == PacketType.FRAME):
            facts = _packet_facts(item)
            if isinstance(item, PacketHeader):
                facts["seconds"] = float(item.pts * reader.header.video.time_base)
            yield facts


def _say_arrived(facts: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        say_json(facts, on_a_line=True)
    else:
        time = f" {facts['seconds']:.3f} s" if facts["type"] == "frame" else ""
        say(f"{_packet_line(facts)}{time}")


def describe(header: Header, index: Index, size_bytes: int) -> dict[str, Any]:
    """Facts about a stream, ready for JSON."""
    video = header.video
    entries = index.entries
    frames = index.frame_count
    seconds = float(index.duration * video.time_base)
    return {
        "width": video.width,
        "height": video.height,
        "frames": frames,
        "gops": len(entries),
        "start_seconds": float(entries[0].pts * video.time_base) if entries else 0.0,
        "duration_seconds": seconds,
        "size_bytes": size_bytes,
        "bpp": bits_per_pixel(size_bytes, frames, video.width, video.height) if frames else None,
        "kbit_per_second": kbit_per_second(size_bytes, seconds) if seconds else None,
        "frame_rate": _ratio(video.frame_rate),
        "time_base": _ratio(video.time_base),
        "sample_aspect_ratio": _ratio(video.sample_aspect_ratio),
        "rotation_degrees": video.rotation_degrees,
        "color": asdict(video.color),
        "source_bit_depth": video.bit_depth,
        "frame_format": header.frame_format,
        "intra": {"name": header.intra.name, "id": header.intra.id.hex()},
        "inter": None
        if header.inter is None
        else {"name": header.inter.name, "id": header.inter.id.hex()},
        "precision": header.precision,
        "device": header.device,
        "gop_length": header.gop_length,
        "quality": header.quality,
        "b_frames": header.b_frames,
        "audio_tracks": [_track_facts(track) for track in header.audio_tracks],
        "subtitle_tracks": [_track_facts(track) for track in header.subtitle_tracks],
        "chapters": [
            {
                "start_seconds": float(chapter.start_seconds),
                "end_seconds": float(chapter.end_seconds),
                **dict(chapter.tags),
            }
            for chapter in header.chapters
        ],
        "metadata": dict(header.metadata),
        "software": header.software,
        "damage": [asdict(damage) for damage in index.damage],
        "key_frames": [entry.first_frame for entry in entries],
    }


def _track_facts(track: Track) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "number": track.number,
        "codec": track.codec,
        "language": track.language,
        "disposition": track.detail.disposition,
        "tags": dict(track.detail.tags),
    }
    if isinstance(track, AudioTrack):
        facts |= {
            "sample_rate": track.sample_rate,
            "channels": track.channels,
            "layout": track.layout,
        }
    return facts


def _track_line(track: dict[str, Any]) -> str:
    parts = [f"{track['number']}: {track['codec']}"]
    if "sample_rate" in track:
        parts.append(f"{track['sample_rate']} Hz, {track['layout'] or track['channels']}")
    parts += [track["language"]] if track["language"] else []
    parts += [track["tags"]["title"]] if "title" in track["tags"] else []
    return ", ".join(parts)


def _ratio(value: Fraction | None) -> str | None:
    return None if value is None else f"{value.numerator}/{value.denominator}"


def _packet_facts(item: Any) -> dict[str, Any]:
    if isinstance(item, Damage):
        return {"type": "damage", **asdict(item)}
    return {
        "type": PacketType(item.type).name.lower(),
        "offset": item.offset,
        "size_bytes": item.end - item.offset,
        "key": item.key,
        "b_frame": item.b_frame,
        "track": item.track,
        "gop": item.gop,
        "frame": item.frame,
        "pts": item.pts,
        "duration": item.duration,
    }


def _text(facts: dict[str, Any]) -> list[str]:
    others = "P- and B-frames" if facts["b_frames"] else "P-frames"
    inter = (
        f", {others} {facts['inter']['name']} ({facts['inter']['id'][:8]})"
        if facts["inter"]
        else ""
    )
    frames = counted(facts["frames"], "frame")
    rows = [
        ("version", f"{facts['version']}, {facts['software'] or 'unknown software'}"),
        (
            "picture",
            f"{facts['width']}x{facts['height']}, sample aspect ratio {facts['sample_aspect_ratio']}",
        ),
        ("rotation", f"{facts['rotation_degrees']} degrees"),
        (
            "time",
            f"{facts['duration_seconds']:.3f} s{_start(facts)}, {frames}, {_fps(facts['frame_rate'])}",
        ),
        ("time base", f"{facts['time_base']} s"),
        ("size", human_bytes(facts["size_bytes"]) + _rate(facts)),
        (
            "GOPs",
            f"{facts['gops']}{_gop_length(facts['gop_length'])}{_b_frames(facts['b_frames'])}",
        ),
        ("models", f"I-frames {facts['intra']['name']} ({facts['intra']['id'][:8]}){inter}"),
        (
            "coded at",
            f"nominal quality {facts['quality']}, {facts['precision']}, {facts['device']}",
        ),
        (
            "colour",
            _color(facts["color"]),
        ),
    ]
    rows += [("sound", _track_line(track)) for track in facts["audio_tracks"]]
    rows += [("subtitles", _track_line(track)) for track in facts["subtitle_tracks"]]
    rows += [
        ("chapter", f"{chapter['start_seconds']:.3f} s {chapter.get('title', '')}".rstrip())
        for chapter in facts["chapters"]
    ]
    rows += [("tag", f"{key}: {value}") for key, value in facts["metadata"].items()]
    rows += [("DAMAGE", damage["reason"]) for damage in facts["damage"]]
    rows += [("packet", _packet_line(packet)) for packet in facts.get("packets", ())]
    return [f"{label:<11}{text}" for label, text in rows]


def _fps(rate: str | None) -> str:
    """ "30000/1001" -> "29.97 fps (30000/1001)"; "25/1" -> "25 fps"."""
    if rate is None:
        return "unknown fps"
    fps = Fraction(rate)
    exact = "" if fps.denominator == 1 else f" ({rate})"
    return f"{float(fps):.5g} fps{exact}"


def _gop_length(most: int | None) -> str:
    return "" if most is None else f", at most {counted(most, 'frame')} each"


def _b_frames(most: int) -> str:
    return f", at most {counted(most, 'B-frame')} in a row" if most else ""


def _color(color: dict[str, Any]) -> str:
    """By FFmpeg's names: "bt709, limited range" where matrix, primaries and transfer are the same."""
    full = "full range" if color["full_range"] else "limited range"
    names = {kind: _color_name(kind, color[kind]) for kind in COLOR_NAMES}
    if len(set(names.values())) == 1:
        return f"{names['matrix']}, {full}"
    return ", ".join([*(f"{kind} {name}" for kind, name in names.items()), full])


def _color_name(kind: str, code: int) -> str:
    return "unspecified" if code == UNSPECIFIED else COLOR_NAMES[kind].get(code, f"{code}")


def _start(facts: dict[str, Any]) -> str:
    return f" from {facts['start_seconds']:.3f} s on" if facts["start_seconds"] else ""


def _rate(facts: dict[str, Any]) -> str:
    rate = "" if facts["bpp"] is None else f", {facts['bpp']:.4f} bpp"
    return (
        rate
        + ("" if facts["kbit_per_second"] is None else f", {facts['kbit_per_second']:.0f} kbit/s")
        + (" with sound and subtitles" if facts["audio_tracks"] or facts["subtitle_tracks"] else "")
    )


def _packet_line(packet: dict[str, Any]) -> str:
    if packet["type"] == "damage":
        return f"DAMAGE bytes {packet['start']}..{packet['end']}: {packet['reason']}"
    key = " key" if packet["key"] else " B" if packet["b_frame"] else ""
    where = f"gop {packet['gop']} frame {packet['frame']} pts {packet['pts']} duration {packet['duration']}"
    return f"{packet['type']}{key} at {packet['offset']}, {packet['size_bytes']} bytes, {where}"
