"""Files that the blocks of the pages read, made when one names them."""

import re
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from PIL import Image

import streamcodec
from support.commands import run_chain
from support.documents import ROOT, Chain
from support.sounding import SRT, Sound, Sounding, write_sounding
from support.synthetic import moving_frame, moving_frames, write_clip

PQ = (9, 16, 9, 1)
FRAMES = 96  # of a stream, 3 a second


def _video(path: Path) -> None:
    write_clip(path, 24, size=(176, 164))


def _sounding(path: Path) -> None:
    what = Sounding(sounds=[Sound(language="eng")], subtitles=[(SRT, "eng")])
    write_sounding(path, what)


def _camera(path: Path) -> None:
    write_clip(
        path, 8, codec="wrapped_avframe", container="yuv4mpegpipe", time_base=Fraction(1, 30)
    )


def _hdr(path: Path) -> None:
    write_clip(path, 4, codec="libx265", pixel_format="yuv420p10le", colors=PQ)


def _stream(path: Path) -> None:
    frames = moving_frames(FRAMES, 64, 48)
    streamcodec.encode(iter(frames), path, frame_rate=3, quality=24)


def _damaged(path: Path) -> None:
    _stream(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


def _picture(path: Path) -> None:
    Image.fromarray(moving_frame(0, 176, 164).transpose(1, 2, 0)).save(path)


def _folder(make: Callable[[Path], object], *names: str) -> Callable[[Path], object]:
    def made(path: Path) -> None:
        path.mkdir()
        for name in names:
            make(path / name)

    return made


MAKERS: dict[str, Callable[[Path], object]] = {
    "in.mp4": _video,
    "in.mkv": _sounding,
    "hdr.mkv": _hdr,
    "camera.y4m": _camera,
    "in.ssf": _stream,
    "a.ssf": _stream,
    "b.ssf": _stream,
    "damaged.ssf": _damaged,
    "in.png": _picture,
    "pictures/": _folder(_picture, "one.png", "two.png"),
    "photos/": _folder(_picture, "one.png", "two.png"),
    "videos/": _folder(_video, "one.mp4", "two.mp4"),
    "clips/": _folder(_video, "one.mp4"),
    "coded/": _folder(_stream, "a.ssf", "b.ssf"),
    "episode_0/": _folder(_stream, "top.ssf", "wrist.ssf"),
    "list.txt": lambda path: path.write_text("videos/one.mp4\n"),
    "tools/data/": lambda path: shutil.copytree(ROOT / "tools" / "data", path),
}
"""Name -> what makes it. Outputs of the blocks must have other names."""


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Path], None]:
    """Puts the files that a text names into a folder."""
    made = tmp_path_factory.mktemp("prepared")

    def prepare(text: str, folder: Path) -> None:
        for name, make in MAKERS.items():
            if not re.search(rf"(?<![\w./-]){re.escape(name)}", text):
                continue
            if not (made / name).exists():
                (made / name).parent.mkdir(parents=True, exist_ok=True)
                make(made / name)
            if (made / name).is_dir():
                shutil.copytree(made / name, folder / name)
            else:
                shutil.copy(made / name, folder / name)

    return prepare


@pytest.fixture
def runs(
    prepared: Callable[[str, Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Chain], None]:
    """Runs a chain of blocks in a folder of its own that has the files which it names."""

    def run(chain: Chain) -> None:
        prepared(chain.text, tmp_path)
        monkeypatch.chdir(tmp_path)
        run_chain(chain, tmp_path)

    return run
