"""The encode loop: frames through an Encoder, one Step for each, and a Tally of the steps."""

import time
from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from streamcodec.container import Packet, PacketType, Writer
from streamcodec.metrics import frame_mse, mse_to_psnr_db
from streamcodec.stream.encoder import Encoder
from streamcodec.stream.reading.frames import Frame
from streamcodec.stream.tracks.interleave import Interleaver
from streamcodec.types import RawFrame

__all__ = ["Step", "Tally", "coded", "write_step"]


@dataclass(frozen=True, eq=False)
class Step:
    """One coded frame, or with `frame` None what comes behind the last.

    `packets`: to be written now. `seconds`: of wall time, to code the frame; frames that are coded
    together share it. `error`: its mean squared error (metrics.frame_mse), None unless measured.
    """

    packets: list[Packet]
    frame: RawFrame | None = None
    seconds: float = 0.0
    error: float | None = None


def coded(
    encoder: Encoder,
    frames: Iterable[RawFrame],
    *,
    measure: bool = False,
    keys: Container[int] = (),
    sound: Interleaver | None = None,
    known: Iterable[bytes] = (),
) -> Iterator[Step]:
    """Code the frames and close the stream: a Step for every frame, in order of display, and some for the end.

    `measure`: with the error of every frame. `keys`: numbers of frames, from 0, that begin a GOP
    whatever the encoder finds. `sound`: whose packets lie between. `known`: payloads of the first
    frames, from an earlier run. Raises as `Encoder.push` does.
    """
    payloads, loop = iter(known), _Loop(encoder, measure, sound)
    for number, frame in enumerate(frames):
        if sound is not None and number == 0:
            sound.start(frame.pts)
        loop.held.append(frame)
        yield from loop.steps(
            partial(encoder.push, frame, key=number in keys, payload=next(payloads, None))
        )
    yield from loop.steps(encoder.flush)
    if sound is not None and encoder.frames:
        for packet in sound.rest(loop.end_pts, encoder.gops - 1):
            yield Step([packet])
    yield Step(loop.packets)


class _Loop:
    """Makes steps of what the encoder returns, which holds frames back."""

    def __init__(self, encoder: Encoder, measure: bool, sound: Interleaver | None) -> None:
        self._encoder, self._measure, self._sound = encoder, measure, sound
        self._seconds = 0.0  # for frames that are held back
        self.held: deque[RawFrame] = deque()
        self.packets: list[Packet] = []  # that no frame has come behind yet
        self.end_pts = 0

    def steps(self, code: Callable[[], list[Packet]]) -> Iterator[Step]:
        """Of the frames whose packets `code` returns."""
        started = time.monotonic()
        packets = code()
        self._seconds += time.monotonic() - started
        shown = iter(self._encoder.shown)
        seconds = self._seconds / max(len(self._encoder.shown), 1)
        for packet in packets:
            self.packets.append(packet)
            if packet.type == PacketType.FRAME:
                yield self._step(packet, next(shown), seconds)
                self._seconds = 0.0

    def _step(self, packet: Packet, shown: Frame, seconds: float) -> Step:
        frame = self.held.popleft()
        packets, self.packets = self.packets, []
        if self._sound is not None and packet.frame:
            packets[:0] = self._sound.before(frame.pts, packet.gop - packet.key)
        error = frame_mse(frame.planes, shown.planes) if self._measure else None
        self.end_pts = frame.pts + frame.duration
        return Step(packets, frame, seconds, error)


def write_step(writer: Writer, step: Step) -> None:
    """Write the packets of a step, and have the file get them."""
    for packet in step.packets:
        writer.write(packet)
    writer.flush()


@dataclass
class Tally:
    """Sums over steps. `squared_error`: of the frames' mean squared errors, None if not measured.

    The frames last from `first_pts` to `end_pts`, in units of the time base.
    """

    frames: int = 0
    squared_error: float | None = None
    first_pts: int = 0
    end_pts: int = 0

    def add(self, step: Step) -> None:
        frame = step.frame
        if frame is None:
            return
        if self.frames == 0:
            self.first_pts = frame.pts
        self.frames += 1
        self.end_pts = frame.pts + frame.duration
        if step.error is not None:
            self.squared_error = (self.squared_error or 0.0) + step.error

    @property
    def psnr_db(self) -> float | None:
        """From the mean of the frames' squared errors; None if they were not measured."""
        return (
            None if self.squared_error is None else mse_to_psnr_db(self.squared_error / self.frames)
        )
