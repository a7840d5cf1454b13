"""`streamcodec play`: what a player gets, with a script in the place of one."""

import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import streamcodec
from streamcodec.cli import run
from streamcodec.codec import Codec
from streamcodec.errors import CorruptStreamError, NotInstalledError, OutputError
from streamcodec.stream import play as playing
from streamcodec.stream.play import PLAYERS, find_player, play
from streamcodec.video import VideoReader
from support.sounding import Sound, Sounding, write_sounding

RECORDER = """#!{python}
import sys
from pathlib import Path
folder = Path({folder!r})
(folder / "arguments").write_text("\\n".join(sys.argv[1:]))
limit = {limit}
(folder / "input.mkv").write_bytes(sys.stdin.buffer.read(limit))
sys.exit({code})
"""


def make_player(folder: Path, name: str = "ffplay", limit: int = -1, code: int = 0) -> Path:
    """A program that keeps its arguments, and its input up to a limit, beside it."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(
        RECORDER.format(python=sys.executable, folder=str(folder), limit=limit, code=code)
    )
    path.chmod(0o755)
    return path


@pytest.fixture(scope="module")
def encoded(native_codec: Codec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With sound."""
    source = tmp_path_factory.mktemp("encoded") / "source.mkv"
    write_sounding(source, Sounding(sounds=[Sound(language="eng")]))
    streamcodec.encode(source, source.with_name("clip.ssf"), gop=6, scenecut=0, codec=native_codec)
    return source.with_name("clip.ssf")


@pytest.fixture
def stream(encoded: Path, tiny_models: object, tmp_path: Path) -> Path:
    return Path(shutil.copy(encoded, tmp_path))


def frames_of(path: Path) -> list[tuple[float, tuple[np.ndarray, ...]]]:
    with VideoReader(path, frame_format="yuv420") as reader:
        return [(float(frame.pts * reader.format.time_base), frame.planes) for frame in reader]


@pytest.mark.parametrize("name", ["ffplay", "mpv", "other"])
def test_a_player_gets_every_frame_and_the_sound(name: str, stream: Path, tmp_path: Path) -> None:
    player = make_player(tmp_path / "bin", name)
    play(stream, player=str(player))
    expected = list(streamcodec.open(stream))
    shown = frames_of(player.with_name("input.mkv"))
    assert len(shown) == len(expected)
    for frame, (seconds, planes) in zip(expected, shown, strict=True):
        assert seconds == pytest.approx(frame.pts_seconds, abs=0.002)
        assert all((a == b).all() for a, b in zip(frame.planes, planes, strict=True))
    with VideoReader(player.with_name("input.mkv"), audio="copy") as reader:
        assert [track.language for track in reader.tracks.tracks] == ["eng"]
    arguments = player.with_name("arguments").read_text().splitlines()
    assert arguments[-1] == "-"
    assert ("clip.ssf" in " ".join(arguments)) == (name != "other")


def test_a_range_without_sound(stream: Path, tmp_path: Path) -> None:
    player = make_player(tmp_path / "bin")
    play(stream, player=str(player), start_seconds=0.2, duration_seconds=0.2, sound=False)
    with streamcodec.open(stream) as video:
        first = video[0].pts_seconds
        expected = list(video.between(first + 0.2, 0.2))
    shown = frames_of(player.with_name("input.mkv"))
    assert len(shown) == len(expected) > 2
    assert all(
        (frame.planes[0] == planes[0]).all()
        for frame, (_, planes) in zip(expected, shown, strict=True)
    )
    with VideoReader(player.with_name("input.mkv"), audio="copy") as reader:
        assert list(reader.tracks.tracks) == []


def test_odd_sizes_and_shapes(tiny_models: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "odd.ssf"
    picture = np.random.default_rng(0).integers(0, 256, (3, 33, 47), dtype=np.uint8)
    streamcodec.encode([picture] * 3, path, **tiny_models)
    player = make_player(tmp_path / "bin")
    play(path, player=str(player))
    [expected, *_] = streamcodec.open(path)
    _, planes = frames_of(player.with_name("input.mkv"))[0]
    assert all((a == b).all() for a, b in zip(expected.planes, planes, strict=True))


def test_closing_the_player_ends_it(tiny_models: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "long.ssf"
    picture = np.random.default_rng(0).integers(0, 256, (3, 96, 128), dtype=np.uint8)
    streamcodec.encode([picture] * 40, path, **tiny_models)
    player = make_player(tmp_path / "bin", limit=50_000)
    play(path, player=str(player))
    assert player.with_name("input.mkv").stat().st_size == 50_000


def test_a_player_that_fails_is_said(stream: Path, tmp_path: Path) -> None:
    player = make_player(tmp_path / "bin", code=3)
    with pytest.raises(OutputError, match="ffplay failed, with exit code 3"):
        play(stream, player=str(player))


def test_a_player_that_does_not_start_is_said(stream: Path, tmp_path: Path) -> None:
    player = make_player(tmp_path / "bin")
    player.write_text("#!/nowhere/at/all\n")
    with pytest.raises(OutputError, match=r"cannot start .*ffplay"):
        play(stream, player=str(player))


def test_damage_is_raised_or_concealed(stream: Path, tmp_path: Path) -> None:
    data = bytearray(stream.read_bytes())
    entry = streamcodec.open(stream).index.entries[1]
    data[entry.offset + 60] ^= 0xFF
    stream.write_bytes(data)
    player = make_player(tmp_path / "bin")
    with pytest.raises(CorruptStreamError, match=r"clip\.ssf"):
        play(stream, player=str(player))
    assert run(["play", str(stream), "--player", str(player)]) == 0
    count = len(streamcodec.open(stream, on_damage="conceal"))
    assert len(frames_of(player.with_name("input.mkv"))) == count


@pytest.mark.parametrize("installed", PLAYERS)
def test_the_player_that_is_installed_is_taken(
    installed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    player = make_player(tmp_path / "bin", installed)
    monkeypatch.setenv("PATH", str(player.parent))
    assert find_player() == str(player)


def test_what_to_install_is_said(
    stream: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run(["play", str(stream)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("streamcodec: no player is installed (ffplay or mpv): install FFmpeg")
    with pytest.raises(NotInstalledError, match="the player vlc is not installed"):
        find_player("vlc")


@pytest.mark.skipif(sys.platform == "win32", reason="no signals of this kind here")
@pytest.mark.slow
def test_ctrl_c_ends_the_player_too(stream: Path, tmp_path: Path) -> None:
    """A player that never reads: the pipe fills, and everything waits."""
    player = tmp_path / "mpv"
    mark = tmp_path / "started"
    player.write_text(
        f"#!{sys.executable}\nimport signal, time, pathlib\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        f"pathlib.Path({str(mark)!r}).write_text(str(__import__('os').getpid()))\ntime.sleep(600)\n"
    )
    player.chmod(0o755)
    command = [
        sys.executable,
        "-P",
        "-m",
        "streamcodec",
        "play",
        str(stream),
        "--player",
        str(player),
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not (mark.exists() and mark.read_text()):
        assert process.poll() is None
        time.sleep(0.05)
    said = ""
    for _ in range(12):  # Python may lose one that comes while it imports
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            _, said = process.communicate(timeout=10)
            break
    assert process.returncode == 130
    assert "interrupted" in said
    assert not Path(f"/proc/{mark.read_text()}").exists()


def test_the_advice_names_both_players() -> None:
    assert all(name in playing._ADVICE for name in PLAYERS)
