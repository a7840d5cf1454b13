"""HTTP in chunks, read here and not by FFmpeg, which takes a connection that breaks off for the end of the video."""

from http.client import HTTPException, HTTPResponse

__all__ = ["chunked_answer"]

_TIMEOUT_SECONDS = 60
_PLAYLISTS = ("mpegurl", "dash")  # whose parts are found by FFmpeg


def chunked_answer(url: str) -> HTTPResponse | None:
    """The answer to read from if it comes in chunks, without a length; None for what is left to FFmpeg: all other sources and answers."""
    if not url.startswith(("http://", "https://")):
        return None
    from urllib.request import urlopen  # takes a while

    try:
        answer: HTTPResponse = urlopen(url, timeout=_TIMEOUT_SECONDS)
    except (OSError, ValueError, HTTPException):
        return None  # FFmpeg says why
    kind = answer.headers.get("Content-Type", "").lower()
    is_chunked = answer.headers.get("Transfer-Encoding", "").lower() == "chunked"
    if is_chunked and not any(word in kind for word in _PLAYLISTS):
        return answer
    answer.close()
    return None
