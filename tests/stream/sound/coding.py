"""What tests of sound share: encoding and decoding at once."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import streamcodec
from support.sounding import Packets

SETTINGS: dict[str, Any] = {"preset": "fast", "quality": 10, "gop": 8, "scenecut": 0}
CODEC_OPTIONS = {"preset": "ultrafast"}


def there_and_back(source: Path, out: Path, **options: Any) -> Path:
    """`options`: of decode, with encode_ before the name of encode."""
    encoding = {k.removeprefix("encode_"): v for k, v in options.items() if k.startswith("encode_")}
    decoding = {k: v for k, v in options.items() if not k.startswith("encode_")}
    stream = out.with_suffix(".ssf")
    streamcodec.encode(source, stream, **SETTINGS, **encoding)
    fast = {} if out.suffix == ".webm" else CODEC_OPTIONS
    streamcodec.decode(stream, out, codec_options=fast, **decoding)
    return out


def between(packets: Packets, start: Fraction, end: Fraction | None) -> Packets:
    return [packet for packet in packets if packet[0] >= start and (end is None or packet[0] < end)]
