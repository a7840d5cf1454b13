"""Sources that are not quite files: read where they give bytes, refused in one way where they do not."""

import errno
import gzip
import io
import mmap
import tarfile
import tempfile
import threading
import urllib.request
import zipfile
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import streamcodec
from streamcodec import CorruptStreamError, SourceError, UsageError
from streamcodec.video import VideoReader, read_picture, to_png

pytestmark = pytest.mark.filterwarnings(  # the objects are the test's own, and not closed
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)


class Readable:
    """Has read() and nothing else; `most`: bytes that it gives at a time."""

    def __init__(self, data: bytes, most: int = 1 << 30, kind: Callable[[bytes], Any] = bytes):
        self._file, self._most, self._kind = io.BytesIO(data), most, kind

    def read(self, size: int = -1) -> Any:
        return self._kind(self._file.read(self._most if size < 0 else min(size, self._most)))


class Greedy(Readable):
    """Gives all that it has, whatever it is asked for."""

    def read(self, size: int = -1) -> bytes:
        return self._file.read()


def tar_of(data: bytes) -> io.BytesIO:
    file = io.BytesIO()
    info = tarfile.TarInfo("member")
    info.size = len(data)
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(info, io.BytesIO(data))
    file.seek(0)
    return file


def member_of_tar(data: bytes, mode: str) -> Any:
    archive = tarfile.open(fileobj=tar_of(data), mode=mode)  # noqa: SIM115 (the member needs it)
    info = archive.next()
    assert info is not None
    return archive.extractfile(info)


def member_of_zip(data: bytes) -> Any:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("member", data)
    return zipfile.ZipFile(file).open("member")


def spooled(data: bytes) -> Any:
    file = tempfile.SpooledTemporaryFile()  # noqa: SIM115
    file.write(data)
    file.seek(0)
    return file


def mapped(data: bytes) -> mmap.mmap:
    found = mmap.mmap(-1, len(data))
    found.write(data)
    found.seek(0)
    return found


KINDS: dict[str, Callable[[bytes], Any]] = {
    "mmap": mapped,
    "read() only": Readable,
    "few bytes at a time": lambda data: Readable(data, most=777),
    "bytearrays": lambda data: Readable(data, kind=bytearray),
    "memoryviews": lambda data: Readable(data, kind=memoryview),
    "more than asked for": Greedy,
    "tar": lambda data: member_of_tar(data, "r:"),
    "streamed tar": lambda data: member_of_tar(data, "r|"),
    "zip": member_of_zip,
    "gzip": lambda data: gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(data))),
    "spooled": spooled,
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Callable[[bytes], Any]:
    return KINDS[request.param]


def test_streams_are_read(coded, tiny_models, kind: Callable[[bytes], Any]) -> None:
    assert len(streamcodec.open(kind(coded.data))) == 10
    assert streamcodec.verify(kind(coded.data)).ok
    assert len(list(streamcodec.VideoDataset(kind(coded.data)))) == 10


def test_random_access_in_a_mapped_file(coded, tiny_models) -> None:
    video = streamcodec.open(mapped(coded.data))  # type: ignore[arg-type]
    assert video[7].index == 7
    assert video[2].index == 2


def test_videos_and_pictures_are_read(clip: Path, kind: Callable[[bytes], Any]) -> None:
    data = clip.with_suffix(".mkv")
    if not data.exists():
        _remux(clip, data)  # Matroska can be read front to back
    with VideoReader(kind(data.read_bytes())) as reader:
        assert sum(1 for _ in reader) == 24
    rgb = next(iter(VideoReader(clip))).planes[0]
    assert (read_picture(kind(to_png(rgb))).pixels == rgb).all()


def _remux(source: Path, target: Path) -> None:
    import av

    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)


def test_answer_of_a_server_is_read(coded, tiny_models) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(coded.data)))
            self.end_headers()
            self.wfile.write(coded.data[: 300 if self.path == "/cut" else None])

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        with urllib.request.urlopen(url) as answer:
            assert len(streamcodec.open(answer)) == 10
        with (
            urllib.request.urlopen(f"{url}/cut") as answer,
            pytest.raises((SourceError, streamcodec.CorruptStreamError)),
        ):
            list(streamcodec.open(answer))
        server.shutdown()


class Broken:
    def read(self, size: int = -1) -> bytes:
        raise KeyError("no such thing")


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        (Broken(), SourceError, "no such thing"),
        (Readable(b"abc" * 999, kind=bytes.decode), UsageError, "gives str when it is read"),
        (Readable(b"", kind=lambda _: None), UsageError, "gives NoneType when it is read"),
        (
            gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(bytes(9))[:-9])),
            SourceError,
            "cannot read",
        ),
    ],
    ids=["raises", "text", "nothing yet", "cut"],
)
def test_what_gives_no_bytes_fails_in_one_way(
    source: Any, error: type[Exception], message: str
) -> None:
    for read in (
        streamcodec.open,
        streamcodec.VideoDataset,
        lambda given: streamcodec.encode(given, io.BytesIO()),
    ):
        with pytest.raises(error, match=message):
            read(source)


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("file:///data/my%20video.ssf", r"accepted: a path, such as /data/my video\.ssf"),
        ("file://localhost/data/video.ssf", r"accepted: a path, such as /data/video\.ssf"),
    ],
)
def test_urls_of_files_are_refused_with_advice(url: str, advice: str) -> None:
    with pytest.raises(UsageError, match=f"source is the URL .*{advice}"):
        streamcodec.open(url)


@pytest.mark.parametrize("source", [b"bytes", bytearray(9), memoryview(b"bytes")])
def test_bytes_are_no_video(source: Any) -> None:
    with pytest.raises(UsageError, match=r"accepted: a path, a binary file object \(io\.BytesIO"):
        streamcodec.encode(source, io.BytesIO())


@pytest.mark.parametrize("source", [5, None, object(), 1.5])
def test_what_is_no_source_at_all_fails(source: Any) -> None:
    with pytest.raises(UsageError, match="accepted: a path"):
        streamcodec.open(source)
    with pytest.raises(UsageError, match="accepted: a path"):
        streamcodec.encode(source, io.BytesIO())
    with pytest.raises(UsageError, match="accepted: a path"):
        VideoReader(source)


def test_an_object_with_write_alone_is_an_output(tiny_models) -> None:
    class Writable:
        def __init__(self) -> None:
            self.data = b""

        def write(self, data: bytes) -> int:
            self.data += bytes(data)
            return len(data)

    out = Writable()
    streamcodec.encode([np.zeros((3, 32, 48), np.uint8)] * 2, out, **tiny_models)  # type: ignore[arg-type]
    assert len(streamcodec.open(out.data)) == 2


class Endless:
    """Zeros without end, behind some bytes."""

    def __init__(self, data: bytes) -> None:
        self._data, self.given = data, 0

    def read(self, size: int) -> bytes:
        assert size > 0, "asked for all of it"
        found, self._data = self._data[:size].ljust(size, b"\0"), self._data[size:]
        self.given += size
        return found


@pytest.mark.parametrize("on_damage", ["raise", "skip", "conceal"])
@pytest.mark.parametrize("begins_well", [False, True])
def test_pipe_that_brings_no_stream_is_not_read_on(
    begins_well: bool, on_damage: Any, coded
) -> None:
    data = coded.data[:40] if begins_well else b"no"
    file = Endless(data)
    with pytest.raises(CorruptStreamError):
        streamcodec.open(file, on_damage=on_damage)
    assert file.given < 1 << 22


def test_pipe_fails_where_it_cannot_be_kept(coded, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", lambda max_size: Full())
    with pytest.raises(SourceError, match="TMPDIR"):
        streamcodec.open(Readable(coded.data))
