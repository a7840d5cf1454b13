"""The encode loop: frames through an Encoder, one Step for each, and a Tally of the steps."""

import time
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass

from streamcodec.container import Packet, Writer
from streamcodec.metrics import frame_mse, mse_to_psnr_db
from streamcodec.stream.encoder import Encoder
from streamcodec.stream.tracks.interleave import Interleaver
from streamcodec.types import RawFrame

__all__ = ["Step", "Tally", "coded", "write_step"]


@dataclass(frozen=True, eq=False)
class Step:
    """One coded frame, or with `frame` None what comes behind the last.

    `packets`: to be written now. `seconds`: of wall time, to code the frame. `error`: its mean squared
    error (metrics.frame_mse), None unless measured.
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
    """Code the frames in order and close the stream: a Step for every frame, and some for the end.

    `measure`: with the error of every frame. `keys`: numbers of frames, from 0, that begin a GOP
    whatever the encoder finds. `sound`: whose packets lie between. `known`: payloads of the first
    frames, from an earlier run. Raises as `Encoder.push` does.
    """
    end_pts, payloads = 0, iter(known)
    for number, frame in enumerate(frames):
        started = time.monotonic()
        packets: list[Packet] = []
        if sound is not None and number:
            packets += sound.before(frame.pts, encoder.gops - 1)
        elif sound is not None:
            sound.start(frame.pts)
        packets += encoder.push(frame, key=number in keys, payload=next(payloads, None))
        seconds = time.monotonic() - started
        error = frame_mse(frame.planes, encoder.reconstruction.planes) if measure else None
        end_pts = frame.pts + frame.duration
        yield Step(packets, frame, seconds, error)
    if sound is not None and encoder.frames:
        for packet in sound.rest(end_pts, encoder.gops - 1):
            yield Step([packet])
    yield Step(encoder.flush())


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
