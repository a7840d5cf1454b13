"""A source that is open: its bytes, its container and the track that is read."""

import os
from pathlib import Path
from typing import Any

from av.container import InputContainer
from av.video.stream import VideoStream

from streamcodec.video.source.opening import Source, open_container, source_name, tapped
from streamcodec.video.source.tracks import Crop, choose_track

__all__ = ["OpenSource"]


class OpenSource:
    """`file`: the source itself, a Tap if it is a pipe. `crop`, `note`: as a Track has them.

    Raises as `open_container` and `choose_track` do.
    """

    def __init__(self, source: Source, video_track: int | None = None) -> None:
        self.name = source_name(source)
        self.file: Any = tapped(source)
        self._video_track = video_track
        self._open()

    def _open(self) -> None:
        self.container: InputContainer = open_container(self.file)
        try:
            track = choose_track(self.container, self.name, self._video_track)
        except BaseException:
            self.container.close()
            raise
        self.stream: VideoStream = track.stream
        self.crop: Crop | None = track.crop
        self.note = track.note

    @property
    def can_open_again(self) -> bool:
        """Whether it can be read from the beginning again: an ordinary file by its path."""
        return isinstance(self.file, (str, os.PathLike)) and Path(self.file).is_file()

    def open_again(self) -> None:
        """Go back to the beginning, with a new decoder."""
        self.container.close()
        self._open()

    def close(self) -> None:
        """Let go of it; a file object stays open."""
        self.container.close()
