"""Sources that are cut off: their headers, parts or missing trailers tell."""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import av
import pytest

from streamcodec.errors import SourceError
from streamcodec.video import VideoReader
from support.pipes import Reading

pytestmark = pytest.mark.slow

DATA = Path(__file__).parents[1] / "data"
KINDS = {
    "avi": ("a.avi", "mpeg4", {}, "yuv420p"),
    "flv": ("a.flv", "flv1", {}, "yuv420p"),
    "flv of h264": ("a.flv", "libx264", {}, "yuv420p"),
    "ivf": ("a.ivf", "libvpx-vp9", {"cpu-used": "8", "deadline": "realtime"}, "yuv420p"),
    "mxf": ("a.mxf", "mpeg2video", {"bf": "0"}, "yuv420p"),
    "gif": ("a.gif", "gif", {}, "rgb8"),
}


def frames_of(source: object) -> int:
    with VideoReader(source, on_error="stop") as reader:
        count = len(list(reader))
        assert reader.damage is not None
        assert "cut off" in reader.damage
    return count


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_file_is_not_whole(kind: str, tmp_path: Path, synthetic: ModuleType) -> None:
    name, codec, options, pixel_format = KINDS[kind]
    path = synthetic.write_clip(tmp_path / name, 40, codec=codec, options=options, pixel_format=pixel_format,
                                rate=Fraction(25), time_base=Fraction(1, 25))  # fmt: skip
    data = path.read_bytes()
    for whole in (path, io.BytesIO(data), Reading(data)):
        with VideoReader(whole) as reader:
            assert len(list(reader)) == 40
            assert reader.damage is None
    with av.open(str(path)) as container:
        ends = [p.pos + p.size for p in container.demux(video=0) if p.size and p.pos is not None]
    for end in (len(data) - 1, len(data) * 9 // 10, len(data) * 4 // 5, *ends[31:32]):
        path.write_bytes(data[:end])
        with VideoReader(path) as reader, pytest.raises(SourceError, match="cut off"):
            list(reader)
        count = frames_of(path)
        assert count <= 40
        assert frames_of(io.BytesIO(data[:end])) == count
        if end < len(data) - 1:
            assert 5 < count < 40
            assert frames_of(Reading(data[:end])) == count


@pytest.mark.parametrize(
    ("name", "count", "words"),
    [("cut.avi", 15, "it ends within a RIFF part"), ("cut.gif", 22, "its trailer is missing")],
)
def test_the_cases_that_passed_as_whole(name: str, count: int, words: str) -> None:
    with (
        VideoReader(DATA / name) as reader,
        pytest.raises(SourceError, match=f"damaged after {count} frames .*it is cut off: {words}"),
    ):
        list(reader)


def test_bytes_behind_the_trailer_of_a_gif_do_no_harm(
    tmp_path: Path, synthetic: ModuleType
) -> None:
    path = synthetic.write_clip(tmp_path / "a.gif", 3, codec="gif", pixel_format="rgb8",
                                rate=Fraction(25), time_base=Fraction(1, 25))  # fmt: skip
    path.write_bytes(path.read_bytes() + b"more")
    with VideoReader(path) as reader:
        assert len(list(reader)) == 3


@contextmanager
def served(data: bytes, *, breaks_off: bool) -> Iterator[str]:
    """The URL of a server that sends these bytes in chunks, and perhaps not the last one."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for at in range(0, len(data), 1000):
                part = data[at : at + 1000]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            if not breaks_off:
                self.wfile.write(b"0\r\n\r\n")
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/a"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("name", ["a.ts", "a.mkv"])
def test_http_in_chunks_that_breaks_off(name: str, tmp_path: Path, synthetic: ModuleType) -> None:
    """Between two packets, where nothing else tells."""
    data = synthetic.write_clip(
        tmp_path / name, 40, muxer_options={"live": "1"} if name == "a.mkv" else {}
    ).read_bytes()
    with served(data, breaks_off=False) as url, VideoReader(url) as reader:
        assert len(list(reader)) == 40
        assert reader.damage is None
    half = data[: len(data) // 188 // 2 * 188]
    with served(half, breaks_off=True) as url:
        with (
            VideoReader(url) as reader,
            pytest.raises(
                SourceError, match=r"damaged after \d+ frames .*cut off: cannot read http"
            ),
        ):
            list(reader)
        assert 5 < frames_of(url) < 40
