"""What a file is that is not a stream, so that a message can say what to do with it."""

__all__ = ["NO_STREAM", "foreign_kind"]

NO_STREAM = "not an .ssf stream"
"""In the message for each of these, and for all others that are none: nothing of the file can be saved as a stream."""

_VIDEOS = (
    (4, b"ftyp", "MP4"),
    (0, b"\x1a\x45\xdf\xa3", "Matroska or WebM"),
    (8, b"AVI ", "AVI"),
    (0, b"YUV4MPEG2", "y4m"),
    (0, b"FLV\x01", "FLV"),
    (0, b"OggS", "Ogg"),
    (0, b"DKIF", "IVF"),
)
_PICTURES = (
    (0, b"\x89PNG", "PNG"),
    (0, b"\xff\xd8\xff", "JPEG"),
    (8, b"WEBP", "WebP"),
    (0, b"GIF8", "GIF"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
)
"""Offset, bytes that stand there, name."""


def foreign_kind(start: bytes) -> str | None:
    """What a file with these first bytes, 20 or so, is, and what to do; None if it is not known."""
    for offset, magic, name in _VIDEOS:
        if start[offset:].startswith(magic):
            return f"it is a video ({name}): encode it first"
    for offset, magic, name in _PICTURES:
        if start[offset:].startswith(magic):
            return f"it is a picture ({name}): encode it first, with `streamcodec image encode`"
    return None
