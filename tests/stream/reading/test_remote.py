"""Streams behind URLs: which bytes are fetched, and what goes wrong."""

import io
import pickle
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import streamcodec
from streamcodec.cli.app import app
from streamcodec.container import Reader
from streamcodec.errors import FormatError, NotInstalledError, SourceError, UsageError
from streamcodec.remote import without_secrets

pytestmark = pytest.mark.slow

pytest.importorskip("aiohttp", reason="fsspec's HTTP is not installed")
FIRST_READ = 1 << 15
INDEX_READ = 1 << 14


@dataclass
class Server:
    """What it serves at every path but /none, and which ranges it was asked for: (first byte, byte behind the last)."""

    data: bytes
    ranges: bool = True
    url: str = ""
    log: list[tuple[int, int]] = field(default_factory=list)


@contextmanager
def serving(data: bytes, *, ranges: bool = True) -> Iterator[Server]:
    served = Server(data, ranges)

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(with_body=False)

        def do_GET(self) -> None:
            self.answer(with_body=True)

        def answer(self, *, with_body: bool) -> None:
            if self.path.startswith("/none"):
                self.send_error(404)
                return
            start, stop = 0, len(served.data)
            asked = self.headers.get("Range") if served.ranges else None
            if asked:
                first, last = asked.removeprefix("bytes=").split("-")
                start, stop = int(first), min(int(last) + 1, stop)
            if with_body:
                served.log.append((start, stop))  # before the reader can ask for more
            self.send_response(206 if asked else 200)
            if asked:
                self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(served.data)}")
            self.send_header("Content-Length", str(stop - start))
            self.end_headers()
            if with_body:
                self.wfile.write(served.data[start:stop])

        def log_message(self, *_: object) -> None:
            """Nothing."""

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:  # the reader has what it wanted
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def stream() -> bytes:
    """20 noisy frames in 5 GOPs, each larger than what is read of the front and the end."""
    frames = np.random.default_rng(0).integers(0, 256, (20, 3, 96, 128), np.uint8)
    out = io.BytesIO()
    streamcodec.encode(frames, out, quality=50, gop=4, scenecut=0, frame_rate=10)
    return out.getvalue()


def test_a_seek_reads_header_index_and_that_gop(stream: bytes) -> None:
    index = Reader(io.BytesIO(stream)).index
    gop = index.entries[3]
    assert gop.size > FIRST_READ
    with serving(stream) as server:
        with streamcodec.open(f"{server.url}/a.ssf") as video:
            assert video.key_frames == [0, 4, 8, 12, 16]
            ends = [(0, FIRST_READ), (len(stream) - INDEX_READ, len(stream))]
            assert server.log == ends
            seen = video[14].array
            assert server.log == [*ends, (gop.offset, gop.end)]
            at_time = video.frame_at_seconds(1.45)
            assert at_time.index == 14
            assert len(server.log) == 3
        assert sum(stop - start for start, stop in server.log) < len(stream) / 2
    with streamcodec.open(stream) as video:
        assert (seen == video[14].array).all()
        assert (seen == at_time.array).all()


def test_the_commands_read_urls(stream: bytes, tmp_path: Path) -> None:
    run = CliRunner().invoke
    with serving(stream) as server:
        url = server.url.replace("//", "//user:secret@") + "/a.ssf?signature=secret"
        shown = server.url + "/a.ssf?..."
        told = run(app, ["info", url])
        assert "20 frames" in told.output
        assert sum(stop - start for start, stop in server.log) <= FIRST_READ + INDEX_READ
        told = run(app, ["verify", url, "--quiet"])
        assert told.exit_code == 0
        told = run(app, ["verify", url])
        assert f"{shown}: whole, 20 frames in 5 GOPs" in told.output
        assert "secret" not in told.output
        server.log.clear()
        out = tmp_path / "a.y4m"
        told = run(app, ["decode", url, str(out), "--start", "0.8", "--duration", "0.4"])
        assert "a.y4m: 4 frames" in told.output
        assert "secret" not in told.output
        gop = Reader(io.BytesIO(stream)).index.entries[2]
        assert (gop.offset, gop.end) in server.log
        assert max(stop - start for start, stop in server.log) == gop.size


def test_a_stream_is_read_in_large_ranges(stream: bytes) -> None:
    with serving(stream) as server, streamcodec.open(f"{server.url}/a.ssf") as video:
        assert sum(1 for _ in video) == 20
        assert server.log == [(0, FIRST_READ), (FIRST_READ, len(stream))]


def test_a_server_without_ranges_is_read_front_to_back(stream: bytes) -> None:
    with (
        serving(stream, ranges=False) as server,
        streamcodec.open(f"{server.url}/a.ssf") as video,
    ):
        assert len(video) == 20
        assert video[17].index == 17
        assert set(server.log) == {(0, len(stream))}
        assert len(server.log) == 3  # its beginning, a range that it does not give, and all


def test_a_remote_video_can_be_pickled(stream: bytes) -> None:
    with (
        serving(stream) as server,
        streamcodec.open(f"{server.url}/a.ssf") as video,
        pickle.loads(pickle.dumps(video)) as again,
    ):
        assert (again[5].array == video[5].array).all()


def test_damage_names_the_url(stream: bytes) -> None:
    with serving(stream[:-100]) as server:
        url = f"{server.url}/a.ssf"
        with streamcodec.open(url) as video, pytest.raises(FormatError, match=f"{url}: "):
            len(video)
        with streamcodec.open(url, on_damage="skip") as video:
            assert len(list(video)) == 20


def test_what_is_not_there_fails_without_secrets() -> None:
    with serving(b"") as server:
        url = server.url.replace("//", "//user:secret@") + "/none.ssf?key=secret"
        for read in (streamcodec.open, streamcodec.verify):
            with pytest.raises(
                SourceError, match=f"{server.url}/none.ssf.*: 404 Not Found$"
            ) as error:
                read(url)  # type: ignore[operator]
            assert "secret" not in str(error.value)
            assert error.value.__suppress_context__
    with pytest.raises(SourceError, match="cannot open http://127"):
        streamcodec.open(server.url + "/a.ssf")  # the server is gone


def test_a_connection_that_is_lost_is_an_error_with_the_url(stream: bytes) -> None:
    with serving(stream) as server:
        video = streamcodec.open(f"{server.url}/a.ssf")
        assert len(video) == 20
        server.data = b""  # every range is now past the end
        with pytest.raises((SourceError, FormatError), match=f"{server.url}/a.ssf"):
            _ = video[14]
    with pytest.raises(SourceError, match=f"cannot read {server.url}/a.ssf"):
        _ = video[6]
    video.close()


@pytest.mark.parametrize(
    ("missing", "url", "message"),
    [
        (
            "fsspec",
            "http://example.org/a.ssf",
            r"takes fsspec: pip install 'streamcodec\[remote\]'",
        ),
        (
            "aiohttp",
            "http://u:secret@example.org/a.ssf",
            "takes a package that is not installed.*aiohttp",
        ),
        (
            "s3fs",
            "s3://bucket/a.ssf",
            "s3://bucket/a.ssf takes a package that is not installed.*s3fs",
        ),
        ("gcsfs", "gs://bucket/a.ssf", "takes a package that is not installed.*gcsfs"),
    ],
)
def test_packages_that_are_missing_are_named(
    missing: str, url: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = sys.modules["fsspec.registry"]
    for name in ("http", "https", "s3", "gs"):
        monkeypatch.delitem(registry._registry, name, raising=False)
    monkeypatch.delitem(sys.modules, "fsspec.implementations.http", raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(NotInstalledError, match=message) as error:
        streamcodec.open(url)
    assert "secret" not in str(error.value)


def test_an_unknown_protocol_fails() -> None:
    with pytest.raises(UsageError, match=r"xyz://bucket/a\.ssf: .*xyz"):
        streamcodec.open("xyz://bucket/a.ssf")


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("http://a.org/b.ssf", "http://a.org/b.ssf"),
        ("https://u:p@a.org:80/b.ssf?sig=x&y=z", "https://a.org:80/b.ssf?..."),
        ("404, url='s3://k:s@b/c?v=1' (gone)", "404, url='s3://b/c?...' (gone)"),
        ("/home/a?b@c.ssf", "/home/a?b@c.ssf"),
    ],
)
def test_secrets_of_urls(text: str, public: str) -> None:
    assert without_secrets(text) == public
