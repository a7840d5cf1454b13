"""Text for people: sizes and times in words, and text that others chose (names of files, tags and
keys of streams, names of models), made fit to be shown.

A terminal obeys control characters, and some characters turn the reading direction over or show
nothing at all; a file name on Linux need not be text. Every message and every line that the command
line prints goes through `shown`.
"""

import unicodedata

__all__ = ["MOST_CHARACTERS", "counted", "human_bytes", "shown", "time_text"]

MOST_CHARACTERS = 2000
"""Of a message or of a line."""

_TAIL = 500  # characters of a text that is cut which are kept from its end: advice stands there
_JOINERS = "\u200c\u200d"  # join letters and emoji: harmless, and wrong to take apart
_LINE_ENDS = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_UNDECODED = range(0xDC80, 0xDD00)  # how Python holds the bytes of a name that is not UTF-8


def shown(text: str, most: int | None = None) -> str:
    """One line that a terminal shows as it is written: what it would obey or hide stands as `\\x1b`, `\\n` or `\\u202e`.

    Letters, signs and blanks of all scripts stay. `most`: characters; of a longer text the middle is
    left out, which is said. Shown text stays the same when it is shown again.
    """
    if most is not None and len(text) > most:
        head, tail = text[: most - _TAIL], text[-_TAIL:]
        text = f"{head} [... {len(text) - most} characters left out ...] {tail}"
    if text.isprintable():
        return text
    return "".join(map(_shown_character, text))


def _shown_character(character: str) -> str:
    kind = unicodedata.category(character)
    if kind not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") or character in _JOINERS:
        return character
    code = ord(character)
    if character in _LINE_ENDS:
        return _LINE_ENDS[character]
    if code in _UNDECODED:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def counted(count: int, what: str) -> str:
    """(1, "frame") -> "1 frame"; (1200, "frame") -> "1,200 frames"."""
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def human_bytes(size: int) -> str:
    """12345678 -> "12.3 MB"."""
    value = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return f"{size} bytes" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def time_text(seconds: float) -> str:
    """3725 -> "1 h 02 min"; 65 -> "1 min 05 s"; 5.2 -> "5 s"."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 60} min {whole % 60:02d} s" if whole >= 60 else f"{whole} s"
