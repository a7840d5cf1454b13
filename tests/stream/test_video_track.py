"""The track that is coded, from the API and the command line."""

from pathlib import Path

import numpy as np
import pytest

import streamcodec
from streamcodec.cli import run
from streamcodec.errors import UsageError

DATA = Path(__file__).parents[1] / "data"
TWO = DATA / "two_tracks.mp4"


@pytest.mark.parametrize(("track", "size"), [(None, (128, 96)), (0, (48, 32)), (1, (128, 96))])
def test_encode_codes_it(
    track: int | None, size: tuple[int, int], tmp_path: Path, tiny_models: dict[str, str]
) -> None:
    out = tmp_path / "a.ssf"
    report = streamcodec.encode(TWO, out, video_track=track, **tiny_models)
    assert (report.width, report.height) == size
    assert any("track 1 was taken" in note for note in report.notes) is (track is None)
    with streamcodec.open(out) as video:
        assert len(video) == 6
        assert video[0].array.shape == (3, size[1], size[0])


def test_the_command_says_which(
    tmp_path: Path, tiny_models: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    models = [word for name, value in tiny_models.items() for word in (f"--{name}", value)]
    command = ["encode", str(TWO), str(tmp_path / "a.ssf"), "-y", *models]
    assert run(command) == 0
    shown = capsys.readouterr().err
    assert "it has 2 video tracks: 0 (h264 48x32), 1 (h264 128x96, default)" in shown
    assert run([*command, "--video-track", "0"]) == 0
    assert "48x32" in capsys.readouterr().err
    assert run([*command, "--video-track", "2"]) == 2
    assert "has 2 video tracks; accepted: 0..1" in capsys.readouterr().err


def test_frames_from_python_have_one_track(tmp_path: Path, tiny_models: dict[str, str]) -> None:
    frames = [np.zeros((3, 32, 32), np.uint8)]
    with pytest.raises(UsageError, match="video_track is for video files"):
        streamcodec.encode(frames, tmp_path / "a.ssf", video_track=0, **tiny_models)
