"""A stream into a player: decoded frames, and sound and subtitles as they are, as Matroska through a pipe."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from threading import Thread
from typing import Unpack

from streamcodec.checks import check_range
from streamcodec.errors import NotInstalledError, OutputError, StreamCodecError
from streamcodec.files import ByteSource
from streamcodec.interrupts import STAGE
from streamcodec.stream.decode import write_played
from streamcodec.stream.options import OpenSettings
from streamcodec.stream.stages import overlapped
from streamcodec.stream.tracks.played import Stretch, TrackTap
from streamcodec.stream.video import Video, open
from streamcodec.types import VideoFormat
from streamcodec.video import pipe_sink

__all__ = ["PLAYERS", "find_player", "play"]

PLAYERS = ("ffplay", "mpv")
"""That are looked for, in this order."""
_ADVICE = "install FFmpeg, which has ffplay (apt install ffmpeg, brew install ffmpeg), or mpv (apt install mpv, brew install mpv)"
_JOIN_SECONDS = 5.0


def find_player(player: str | None = None) -> str:
    """The path of a program: `player`, a name or path, or the first of PLAYERS that is installed. Raises NotInstalledError."""
    for name in PLAYERS if player is None else (player,):
        found = shutil.which(name)
        if found is not None:
            return found
    if player is None:
        raise NotInstalledError(f"no player is installed ({' or '.join(PLAYERS)}): {_ADVICE}")
    raise NotInstalledError(f"the player {player} is not installed; {_ADVICE}")


def play(
    source: ByteSource,
    *,
    player: str | None = None,
    start_seconds: float = 0.0,
    duration_seconds: float | None = None,
    sound: bool = True,
    **settings: Unpack[OpenSettings],
) -> None:
    """Show a stream in a player, and return when it has ended or was closed.

    `source` and `settings`: as for `streamcodec.open`. `player`: its name or path; None = the first of PLAYERS that is
    installed. `start_seconds` and `duration_seconds` choose a range. `sound`: with the tracks of sound and subtitles.

    Raises NotInstalledError without a player, OutputError if it cannot be started or fails, else as `open` and its frames do; what was
    decoded by then is shown.
    """
    check_range(start_seconds, duration_seconds, None)
    program = find_player(player)
    with open(source, **settings) as video:
        stretch = video.stretch(start_seconds, duration_seconds)
        shown = replace(video.header.video, width=video.size[1], height=video.size[0])
        command = _command(program, shown, _title(source))
        try:
            process = subprocess.Popen(command, stdin=subprocess.PIPE)
        except OSError as error:
            raise OutputError(f"cannot start {program}: {error.strerror}") from error
        feeder = _Feeder(video, shown, stretch, process, sound=sound)
        try:
            feeder.start()
            code = process.wait()
        finally:  # also of Ctrl-C: without its player the feeder ends
            process.kill()
            process.wait()
            feeder.join(_JOIN_SECONDS)
    if feeder.error is not None:
        raise feeder.error
    if code > 0:
        raise OutputError(f"{program} failed, with exit code {code}")


def _title(source: ByteSource) -> str:
    return Path(source).name if isinstance(source, (str, os.PathLike)) else "streamcodec"


def _command(program: str, video: VideoFormat, title: str) -> Sequence[str]:
    """How a player is told to show its standard input; of one that is not known, with - alone."""
    ratio = video.sample_aspect_ratio
    name = Path(program).stem
    if name == "ffplay":
        shape = [] if ratio == 1 else ["-vf", f"setsar={ratio.numerator}/{ratio.denominator}"]
        quiet = ["-hide_banner", "-loglevel", "error", "-autoexit"]
        return [program, *quiet, "-window_title", title, *shape, "-i", "-"]
    if name == "mpv":
        whole = Fraction(video.width, video.height) * ratio
        shape = [] if ratio == 1 else [f"--video-aspect-override={float(whole):.6f}"]
        return [program, "--msg-level=all=error", f"--title={title}", *shape, "-"]
    return [program, "-"]


class _Feeder(Thread):
    """Decodes into the player. `error`: what went wrong, but for a player that was closed."""

    def __init__(
        self,
        video: Video,
        shown: VideoFormat,
        stretch: Stretch,
        process: "subprocess.Popen[bytes]",
        *,
        sound: bool,
    ) -> None:
        super().__init__(name=STAGE, daemon=True)
        self.error: StreamCodecError | None = None
        self._video, self._shown, self._stretch, self._process = video, shown, stretch, process
        header = video.header
        self._tracks = (*header.audio_tracks, *header.subtitle_tracks) if sound else ()

    def run(self) -> None:
        assert self._process.stdin is not None
        try:
            self._feed(self._process.stdin.fileno())
        except StreamCodecError as error:
            if not (isinstance(error, OutputError) and self._is_closed()):
                self.error = error
        finally:
            with suppress(OSError):  # its reader is gone
                self._process.stdin.close()

    def _feed(self, pipe: int) -> None:
        items = self._video.played(self._stretch, TrackTap(self._tracks), lambda frame: True)
        chapters = self._stretch.chapters_of(self._video.header.chapters)
        sink = pipe_sink(pipe, self._shown, self._tracks, chapters)
        try:
            with overlapped(items) as ready:
                write_played(self._video, ready, sink, None, None)
            sink.finish()
        except BaseException:
            sink.discard()
            raise

    def _is_closed(self) -> bool:
        """Whether the player has ended, or is about to: it no longer reads."""
        try:
            self._process.wait(_JOIN_SECONDS)
        except subprocess.TimeoutExpired:
            return False
        return True
