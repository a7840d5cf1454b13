"""`decode` of several streams."""

import json
from pathlib import Path

import av
import pytest

from streamcodec.cli import run

pytestmark = pytest.mark.usefixtures("tiny_models")


@pytest.fixture
def streams(stream: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with in/a.ssf, in/below/b.ssf, in/notes.txt and clip.ssf."""
    monkeypatch.chdir(tmp_path)
    Path("in/below").mkdir(parents=True)
    for name in ("in/a.ssf", "in/below/b.ssf"):
        Path(name).write_bytes(stream.read_bytes())
    Path("in/notes.txt").write_text("no stream")
    return tmp_path


def frames_of(path: str) -> int:
    with av.open(path) as container:
        return sum(1 for _ in container.decode(video=0))


def test_several_streams(streams: Path, damaged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    damaged.rename("in/flawed.ssf")
    command = ["decode", "in", "clip.ssf", "--out", "out"]
    assert run(command) == 4
    said = capsys.readouterr().err
    for part in ("out/a.mp4: 6 frames, ", "in/flawed.ssf: ", "1 of 4 videos failed"):
        assert part in said
    files = sorted(str(path) for path in Path("out").rglob("*") if path.is_file())
    assert files == ["out/a.mp4", "out/below/b.mp4", "out/clip.mp4"]
    assert {frames_of(name) for name in files} == {6}
    Path("out/clip.mp4").unlink()
    assert run([*command, "--on-damage", "skip", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["out"] for row in told["videos"]] == ["out/flawed.mp4", "out/clip.mp4"]
    assert told["videos"][0]["lost_frames"] > 0
    assert (told["kept"], told["failed"]) == (["out/a.mp4", "out/below/b.mp4"], [])
    assert run(command) == 0
    assert capsys.readouterr().err == "4 of 4 videos done before; -y decodes them anew\n"
    lossless = ["--to", "mkv", "--codec", "ffv1", "--frames", "2", "--quiet"]
    assert run(["decode", "clip.ssf", "--out", "out", *lossless]) == 0
    assert capsys.readouterr().err == ""
    assert frames_of("out/clip.mkv") == 2


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["clip.ssf"], 2, "accepted: IN OUT (OUT may be -), or IN... --out FOLDER"),
        (["in/a.ssf", "clip.ssf", "x.mp4"], 2, "or IN... --out FOLDER"),
        (["in", "x.mp4"], 2, "in is a folder; accepted: a stream, or for all streams in it --out"),
        (["clip.ssf", "x.mp4", "--to", "mkv"], 2, "the suffix of x.mp4 says the kind"),
        (["clip.ssf", "--out", "out", "--to", "avi"], 2, "avi"),
        (["-", "--out", "out"], 2, "standard input has no name; accepted: streams and folders"),
        (["http://host/", "--out", "out"], 2, "http://host/ names no file; accepted: the URL of a"),
        (["clip.ssf", "--out", "out", "--follow"], 2, "accepted: --follow with IN OUT"),
        (["in/a.ssf", "in/below/../a.ssf", "--out", "out"], 2, "would both become out/a.mp4"),
        (["none.ssf", "--out", "out"], 1, "cannot open none.ssf: No such file"),
        (["empty", "--out", "out"], 1, "empty holds no streams (.ssf)"),
        (["clip.ssf", "--out", "in/notes.txt"], 2, "in/notes.txt"),
        (["clip.ssf", "--out", "out", "--device", "gpu"], 2, "there is no such kind of device"),
    ],
)
def test_failures(
    streams: Path,
    arguments: list[str],
    code: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("empty").mkdir()
    assert run(["decode", *arguments]) == code
    assert said in capsys.readouterr().err
    assert not list(streams.rglob("*.mp4"))


@pytest.mark.parametrize("more", [["http://b/a.ssf"], ["x.mp4", "y.mp4"]])
def test_urls_are_told_without_their_secrets(
    streams: Path, more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    url = "http://user:word@a/a.ssf?sign=key"
    assert run(["decode", url, *more, *(["--out", "out"] if len(more) == 1 else [])]) == 2
    said = capsys.readouterr().err
    assert "http://a/a.ssf" in said
    assert "word" not in said
    assert "key" not in said


def test_failures_are_told_without_secrets(
    streams: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = "nowhere://user:word@a/a.ssf?sign=key"
    assert run(["decode", "clip.ssf", url, "--out", "out", "--json"]) == 4
    told = capsys.readouterr()
    assert json.loads(told.out)["failed"][0]["source"] == "nowhere://a/a.ssf?..."
    assert "word" not in told.out + told.err
    assert "key" not in told.out + told.err


def test_a_stream_that_ends_early_is_not_called_whole(
    streams: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = Path("clip.ssf").read_bytes()
    Path("cut.ssf").write_bytes(data[: len(data) // 2])
    assert run(["decode", "cut.ssf", "cut.mp4"]) == 3
    assert "--on-damage skip leaves out what is lost" in capsys.readouterr().err
    assert run(["decode", "in/notes.txt", "cut.mp4"]) == 3
    assert "--on-damage" not in capsys.readouterr().err
    for on_damage in ("skip", "conceal"):
        assert run(["decode", "cut.ssf", "cut.mp4", "--on-damage", on_damage, "-y"]) == 0
        said = capsys.readouterr().err
        assert "cut.ssf: the stream ends early, and how much followed is not known (byte " in said
