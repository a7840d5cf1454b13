"""Sources as items, and the names of their outputs."""

import io
import os
import sys
import tracemalloc
import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from streamcodec.errors import NotInstalledError, SourceError, UsageError
from streamcodec.pipelines.files.locations import is_below, local_path, location_of
from streamcodec.pipelines.files.outputs import OutputNames
from streamcodec.pipelines.files.sources import (
    FAILED_HEADER,
    STREAM_SUFFIXES,
    Filter,
    Item,
    list_sources,
)
from streamcodec.remote import filesystem


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "videos"
    for name in (
        "b.mp4",
        "a.MKV",
        "notes.md",
        "deep/c.mov",
        "deep/er/d.webm",
        "skip/e.mp4",
        "x.ssf",
    ):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return root


def relatives(*sources: object, keep: Filter | None = None, **more: Any) -> list[str]:
    return [
        item.relative for item in list_sources([str(source) for source in sources], keep, **more)
    ]


def test_folder_gives_its_videos_by_name(folder: Path) -> None:
    items = list(list_sources([str(folder)]))
    assert [item.relative for item in items] == [
        "a.MKV",
        "b.mp4",
        "deep/c.mov",
        "deep/er/d.webm",
        "skip/e.mp4",
    ]
    assert items[1].location == str(folder / "b.mp4")
    assert items[1].size_bytes == 5
    assert not items[1].retry


def test_streams_are_listed_by_their_suffix(folder: Path) -> None:
    assert relatives(folder, keep=Filter(suffixes=STREAM_SUFFIXES)) == ["x.ssf"]


def test_include_and_exclude(folder: Path) -> None:
    assert relatives(folder, keep=Filter(exclude=("skip", "*.mkv", "a.*"))) == [
        "b.mp4",
        "deep/c.mov",
        "deep/er/d.webm",
    ]
    assert relatives(folder, keep=Filter(include=("*.md", "deep/*"))) == [
        "deep/c.mov",
        "deep/er/d.webm",
        "notes.md",
    ]
    assert relatives(folder, keep=Filter(include=("*.mp4",), exclude=("skip/*",))) == ["b.mp4"]
    assert relatives(folder / "b.mp4", keep=Filter(exclude=("b*",))) == []


def test_excluded_folder_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    scandir = os.scandir
    monkeypatch.setattr(
        "streamcodec.pipelines.files.sources.os.scandir",
        lambda path: read.append(path) or scandir(path),
    )
    relatives(folder, keep=Filter(exclude=("deep/",)))
    assert read == [str(folder), str(folder / "skip")]


def test_identity_changes_with_time_and_size(folder: Path) -> None:
    def identity() -> str:
        [item] = list_sources([str(folder / "b.mp4")])
        return item.identity

    seen = {identity()}
    os.utime(folder / "b.mp4", ns=(1, 1))
    seen.add(identity())
    (folder / "b.mp4").write_bytes(b"other")
    os.utime(folder / "b.mp4", ns=(1, 1))
    assert identity() in seen
    (folder / "b.mp4").write_bytes(b"longer than it was")
    assert identity() not in seen


def test_globs(folder: Path) -> None:
    assert sorted(relatives(f"{folder}/*.m*")) == ["b.mp4", "notes.md"]
    assert sorted(relatives(f"{folder}/deep/**/*")) == ["c.mov", "er/d.webm"]
    (folder / "odd[1].mp4").touch()
    assert relatives(folder / "odd[1].mp4") == ["odd[1].mp4"]


def test_lists(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = f"# a comment\n{folder}/b.mp4\r\n\nvideos/deep\n{folder}/*.MKV\nvideos/gone.mp4\n"
    expected = ["b.mp4", "c.mov", "er/d.webm", "a.MKV", "gone.mp4"]
    (tmp_path / "list.txt").write_text(lines)
    (tmp_path / "other").write_text(lines)
    assert (
        relatives("list.txt")
        == relatives("@other")
        == relatives("-", stdin=io.StringIO(lines))
        == expected
    )
    gone = list(list_sources(["list.txt"]))[-1]
    assert gone == Item(str(tmp_path / "videos/gone.mp4"), "gone.mp4", 0, "missing")


def test_list_of_failed_inputs_asks_to_retry(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "failed.txt").write_text(f"{FAILED_HEADER}\n{folder}/b.mp4\n{folder}/deep\n")
    assert [item.retry for item in list_sources([str(tmp_path / "failed.txt")])] == [
        True,
        True,
        True,
    ]


@pytest.mark.parametrize(
    "name", [b"caf\xe9.mp4", b"two\nlines.mp4", b"#1.mp4", b" blank.mp4 ", b"100%.mp4"]
)
def test_any_name_goes_through_a_list(name: bytes, tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/" + name
    with open(path, "wb") as file:  # noqa: PTH123 (bytes)
        file.write(b"12345")
    [item] = list_sources([str(tmp_path)], Filter(suffixes=("",)))
    item.location.encode()  # is valid text
    (tmp_path / "list.txt").write_text(item.location + "\n")
    [again] = list_sources([str(tmp_path / "list.txt")])
    assert (again.location, again.size_bytes, again.identity) == (item.location, 5, item.identity)
    assert os.fsencode(local_path(again.location) or "") == path
    OutputNames(str(tmp_path / "out")).of(item).encode()


@pytest.mark.parametrize("source", ["nothing.mp4", "nothing/", "nothing.txt", "@nothing"])
def test_source_that_is_not_there_fails(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match="nothing"):
        relatives(source)


def test_folder_that_cannot_be_read_fails(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def scandir(path: str) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("streamcodec.pipelines.files.sources.os.scandir", scandir)
    with pytest.raises(SourceError, match=r"cannot read .*videos: Permission denied"):
        relatives(folder)


@pytest.mark.slow
def test_listing_holds_no_items(tmp_path: Path) -> None:
    """100 000 lines in less memory than as many items would take."""

    def lines() -> Iterator[str]:
        return (f"{tmp_path}/{number:07d}.mp4\n" for number in range(100_000))

    listing = list_sources(["-"], stdin=lines())  # type: ignore[arg-type]
    list(islice(listing, 100))
    tracemalloc.start()
    count = sum(1 for _ in listing)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 99_900
    assert peak < 1_000_000


def memory_file(url: str, data: bytes) -> None:
    files, path = filesystem(url)
    files.pipe_file(path, data)


def test_urls() -> None:
    pytest.importorskip("fsspec")
    for name in ("a.mp4", "deep/b.mkv", "c.txt"):
        memory_file(f"memory://bucket/{name}", b"123")
    assert relatives("memory://bucket") == ["a.mp4", "deep/b.mkv"]
    assert relatives("memory://bucket/*.txt") == ["c.txt"]
    [item] = list_sources(["memory://bucket/deep/b.mkv"])
    assert (item.location, item.relative, item.size_bytes) == (
        "memory:///bucket/deep/b.mkv",
        "b.mkv",
        3,
    )
    memory_file("memory://bucket/deep/b.mkv", b"456")
    assert next(list_sources(["memory://bucket/deep/b.mkv"])).identity != item.identity
    with pytest.raises(SourceError, match="cannot read memory://bucket/none"):
        relatives("memory://bucket/none.mp4")


def test_url_without_its_part_of_fsspec_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="xyz"):
        relatives("xyz://bucket/a.mp4")
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(NotInstalledError, match="memory://a takes fsspec: pip install"):
        relatives("memory://a")


def test_locations_of_paths(tmp_path: Path) -> None:
    assert location_of(tmp_path / "a b.mp4") == str(tmp_path / "a b.mp4")
    assert local_path("s3://bucket/a") is None
    assert local_path("file:///a%20b") == "/a b"


ESCAPES = (
    "../../x.mp4",
    "a/../../x.mp4",
    "../out2/x.mp4",
    "/etc/x.mp4",
    "..",
    ".streamcodec/x.mp4",
)


@pytest.mark.parametrize("relative", ESCAPES)
@pytest.mark.parametrize("out", ["/data/out", "/data/out/", "s3://bucket/out"])
@pytest.mark.parametrize("pattern", ["{relative}.ssf", "{parent}/{name}.ssf"])
def test_no_name_leads_out_of_the_destination(relative: str, out: str, pattern: str) -> None:
    item = Item("zip://x", relative, 1, "")
    try:
        output = OutputNames(out, pattern).of(item)
    except UsageError as error:
        assert "would lead" in str(error)  # noqa: PT017 (some of these stay inside)
    else:
        assert is_below(output, out)
        assert not is_below(output, f"{out.rstrip('/')}/.streamcodec")


@pytest.mark.parametrize("relative", ESCAPES[:3])
def test_names_that_lead_out_are_refused(relative: str) -> None:
    with pytest.raises(UsageError, match=r"would lead out of /data/out, by its name .*\{hash\}"):
        OutputNames("/data/out").of(Item("zip://x", relative, 1, ""))
    OutputNames("/data/out", "{stem}-{hash}.ssf").of(Item("zip://x", relative, 1, ""))


def test_names_that_lead_back_in_are_taken() -> None:
    item = Item("zip://x", "a/../b/x.mp4", 1, "")
    assert OutputNames("/data/out").of(item) == "/data/out/b/x.ssf"


@pytest.mark.parametrize(
    ("location", "folder", "below"),
    [
        ("/a/b/c", "/a/b", True),
        ("/a/b", "/a/b", False),
        ("/a/bc", "/a/b", False),
        ("/a/b/../c", "/a/b", False),
        ("/c", "/", True),
        ("s3://a/b/c", "s3://a/b/", True),
        ("s3://a/b/../c", "s3://a/b", False),
        ("s3://a/bc", "s3://a/b", False),
        ("/a/b/c", "s3://a/b", False),
        ("s3://a/b/c", "/a/b", False),
        ("file:///a/b/c%0A", "/a/b", True),
        ("file:///a/b/../c%0A", "/a/b", False),
    ],
)
def test_below(location: str, folder: str, below: bool) -> None:
    assert is_below(location, folder) == below


def test_members_of_archives(tmp_path: Path) -> None:
    pytest.importorskip("fsspec")
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("deep/a.mp4", "123")
        archive.writestr("../../x.mp4", "456")
    found = list(list_sources([f"zip:///::{path}"]))
    assert [item.relative for item in found] == ["../../x.mp4", "deep/a.mp4"]
    files, name = filesystem(found[1].location)
    assert files.cat_file(name) == b"123"
    with pytest.raises(UsageError, match="would lead out"):
        OutputNames(str(tmp_path / "out")).of(found[0])
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("two\nlines.mp4", "123")
    with pytest.raises(SourceError, match=r"two\\nlines\.mp4, a name with control characters"):
        list(list_sources([f"zip:///::{path}"]))


@pytest.mark.parametrize("url", ["reference://", "reference://x", "github://", "data://x"])
def test_urls_that_are_not_whole_fail(url: str) -> None:
    pytest.importorskip("fsspec")
    with pytest.raises((UsageError, SourceError), match=url):
        relatives(url)
