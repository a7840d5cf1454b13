"""Samples by number: what a loader's sampler picks from."""

import operator
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Unpack

from streamcodec.checks import check_count
from streamcodec.errors import FrameIndexError, UsageError
from streamcodec.files import ByteSource
from streamcodec.runtime import has_torch
from streamcodec.stream.reading.frames import Frame, FrameBatch
from streamcodec.stream.reading.opening import CONCEAL_HINT, hinting
from streamcodec.stream.sampling.epochs import SharedEpoch
from streamcodec.stream.sampling.samples import Samples, SampleSettings, sources_of
from streamcodec.stream.video import Video
from streamcodec.text import counted

__all__ = ["VideoMapDataset"]

OPEN_AT_ONCE = 8  # streams of a dataset in a process


if TYPE_CHECKING:
    from torch.utils.data import Dataset

    Base = Dataset[Any]
elif has_torch():
    from torch.utils.data import Dataset as Base
else:
    Base = object


class VideoMapDataset(Base):
    """The samples of `VideoDataset` by number: dataset[i], for samplers that pick any of them.

    `len(dataset)` samples, those of the first source first, each in order. The indexes of all sources are read at once. All settings
    but `shuffle`, `rank` and `world_size` are those of `VideoDataset`; for these take a DataLoader's `shuffle`, `generator` and
    `sampler`. Random crops lie where `seed`, `set_epoch`, source and first frame say.

    A sample decodes from the beginning of its GOP, without the B-frames that it does not need: encode with short GOPs (`gop=8`) for much
    random access. Samples that a loader asks for at once (a batch) are read stream by stream, in order, so that neighbours share the
    decoding.

    Raises UsageError for what is not accepted, `on_damage="skip"` among it (numbers stand for samples; "conceal" is accepted), and
    the errors of `streamcodec.open`. dataset[i] raises FrameIndexError, an IndexError, past the ends.
    """

    def __init__(
        self,
        sources: ByteSource | Sequence[ByteSource],
        *,
        transform: Callable[[Any], Any] | None = None,
        seed: int = 0,
        **settings: Unpack[SampleSettings],
    ) -> None:
        self._samples = Samples.of(settings, transform, seed, CONCEAL_HINT)
        if self._samples.options.on_damage == "skip":
            raise UsageError(
                "on_damage is 'skip'; accepted: raise or conceal, for a sample keeps its number (VideoDataset can skip)"
            )
        self._sources = sources_of(sources)
        self._epoch = SharedEpoch()
        self._open: OrderedDict[int, Video] = OrderedDict()
        self._starts = [self._starts_of(source) for source in self._sources]
        self._ends = list(accumulate(map(len, self._starts)))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, index: int) -> Any:
        return self._read(*self._place(index))

    def __getitems__(self, indexes: Sequence[int]) -> list[Any]:
        """Several samples, in this order: what PyTorch's loaders ask for."""
        places = [self._place(index) for index in indexes]
        samples = {place: self._read(*place) for place in sorted(set(places))}
        return [samples[place] for place in places]

    def set_epoch(self, epoch: int) -> None:
        """Put random crops elsewhere, also in workers that live on. Raises UsageError unless `epoch` is an integer, 0 or more."""
        self._epoch.set(check_count("epoch", epoch, "", at_least=0))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": OrderedDict()}

    def _starts_of(self, source: ByteSource) -> range:
        with self._samples.open(source) as video:
            return self._samples.clips.starts(len(video))

    def _place(self, index: int) -> tuple[int, int]:
        """Numbers of the source and of the sample's first frame."""
        try:
            number = operator.index(index)
        except TypeError as error:
            raise UsageError(f"sample is {index!r}; accepted: an integer") from error
        if not -len(self) <= number < len(self):
            raise FrameIndexError(
                f"sample is {number}; the dataset has {counted(len(self), 'sample')}"
            )
        number %= len(self)
        source = bisect_right(self._ends, number)
        before = self._ends[source - 1] if source else 0
        return source, self._starts[source][number - before]

    def _read(self, source: int, first: int) -> Any:
        video, clips = self._video(source), self._samples.clips
        with hinting(self._samples.options.on_damage, self._samples.hint):
            shown: Frame | FrameBatch = (
                video[first]
                if clips.clip_length is None
                else video.frames_at(clips.frames_from(first))
            )
        place = f"{self._epoch.now}/{source}/{first}"
        return self._samples.make(shown, self._sources[source], place)

    def _video(self, source: int) -> Video:
        """A stream, kept open while it is among those used last."""
        if source not in self._open:
            if len(self._open) >= OPEN_AT_ONCE:
                self._open.popitem(last=False)[1].close()
            self._open[source] = self._samples.open(self._sources[source])
        self._open.move_to_end(source)
        return self._open[source]
