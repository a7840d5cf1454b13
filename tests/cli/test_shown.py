"""What others wrote (tags, keys, names of files and models) reaches the terminal escaped, and cut if it is long."""

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import streamcodec
from streamcodec.cli import run
from streamcodec.container import AudioTrack, Reader
from support.streams import stream_of

CLI = Path(streamcodec.__file__).parent / "cli"
TAGGED = Path(__file__).parents[1] / "data" / "tags_escape.mkv"
EVIL = "\x1b[31m\x9b2J\u202eevil\r\n"
SAFE = r"\x1b[31m\x9b2J\u202eevil\r\n"


def is_clean(text: str) -> bool:
    return all(line.isprintable() for line in text.split("\n"))


@pytest.fixture
def stream(tiny_models: dict[str, str], tmp_path: Path) -> Path:
    """A stream of a file whose tags hold escape sequences."""
    path = tmp_path / "tagged.ssf"
    streamcodec.encode(TAGGED, path, **tiny_models)
    return path


def test_info_escapes_tags(stream: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tags = streamcodec.open(stream).metadata.tags
    assert not is_clean("".join(tags.values()))
    assert run(["info", str(stream)]) == 0
    out = capsys.readouterr().out
    assert is_clean(out)
    assert r"\x1b" in out
    assert run(["info", str(stream), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["metadata"] == tags


def test_info_cuts_long_tags(
    stream: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with stream.open("rb") as file:
        reader = Reader(file)
        packets = list(reader.packets())
        header = reader.header
    long = tmp_path / "long.ssf"
    object.__setattr__(header, "metadata", (("comment", "x" * 60_000),))
    long.write_bytes(stream_of(header, packets))
    assert run(["info", str(long)]) == 0
    out = capsys.readouterr().out
    assert "characters left out" in out
    assert len(out) < 5000


@pytest.mark.parametrize("command", ["info", "verify", "decode", "encode", "search", "image"])
def test_names_that_do_not_exist_are_escaped(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = str(tmp_path / EVIL)
    arguments = {
        "decode": ["decode", missing, str(tmp_path / "x.mkv")],
        "encode": ["encode", missing, str(tmp_path / "x.ssf")],
        "image": ["image", "encode", missing, str(tmp_path / "x.ssf")],
    }.get(command, [command, missing])
    assert run(arguments) != 0
    err = capsys.readouterr().err
    assert is_clean(err)
    assert SAFE in err


@pytest.mark.parametrize(
    "arguments",
    [
        [EVIL],
        ["info", f"--{EVIL}"],
        ["encode", "a", "b", "--quality", EVIL],
        ["encode", "-", EVIL],
    ],
)
def test_wrong_usage_is_escaped(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    assert is_clean(capsys.readouterr().err)


def test_names_of_sound_and_damaged_files_are_escaped(
    stream: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = tmp_path / f"{EVIL}.ssf"
    shutil.copy(stream, evil)
    assert run(["verify", str(evil)]) == 0
    evil.write_bytes(stream.read_bytes()[:-40])
    assert run(["verify", str(evil)]) == 3
    assert run(["encode", str(TAGGED), str(tmp_path / EVIL)]) == 2
    captured = capsys.readouterr()
    assert is_clean(captured.out)
    assert is_clean(captured.err)
    assert SAFE in captured.out


def test_names_of_models_are_escaped(
    stream: Path,
    tiny_weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / f"weights{EVIL}"
    folder.mkdir()
    shutil.copy(tiny_weights / "tiny-intra.safetensors", folder / f"{EVIL}.safetensors")
    (folder / f"broken{EVIL}.safetensors").write_bytes(b"nothing")
    monkeypatch.setenv("STREAMCODEC_WEIGHTS", str(folder))
    assert run(["models"]) == 0
    assert run(["decode", str(stream), str(tmp_path / "x.mkv"), "--intra", EVIL]) == 3
    captured = capsys.readouterr()
    assert SAFE in captured.out
    assert is_clean(captured.out)
    assert is_clean(captured.err)


def test_many_tracks_do_not_make_a_long_message(stream: Path) -> None:
    with stream.open("rb") as file:
        header = Reader(file).header
    track = AudioTrack(
        number=1, codec="aac", time_base=header.video.time_base, sample_rate=1, channels=1
    )
    with pytest.raises(streamcodec.UsageError) as caught:
        type(header)(**{**vars(header), "audio_tracks": (track,) * 40_000})
    assert len(str(caught.value)) < 2200


def test_a_locale_without_the_letters_is_no_error(stream: Path, tmp_path: Path) -> None:
    named = tmp_path / "名前.ssf"
    shutil.copy(stream, named)
    code = "from streamcodec.cli import main; main()"
    found = subprocess.run(
        [sys.executable, "-P", "-c", code, "verify", "--no-decode", str(named)],
        env={"PYTHONIOENCODING": "latin-1", "PYTHONPATH": str(CLI.parents[1]), "PATH": ""},
        capture_output=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert rb"\u540d\u524d.ssf: whole" in found.stdout


def test_commands_print_by_one_function() -> None:
    """click.echo stands in `say` and `say_json` only; print nowhere."""
    printing = [
        path.name
        for path in CLI.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "click.echo")
    ]
    assert sorted(printing) == ["common.py", "common.py"]
