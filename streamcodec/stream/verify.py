"""Is a stream whole, and do its frames decode to the encoder's pixels?"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Unpack

from streamcodec.container import (
    DEFAULT_LIMITS,
    Damage,
    Header,
    Loss,
    Losses,
    Packet,
    PacketType,
    Reader,
    describe_losses,
)
from streamcodec.files import ByteSource
from streamcodec.stream.reading.follow import DEFAULT_FOLLOW_SECONDS
from streamcodec.stream.reading.opening import naming, reader_of, stream_file
from streamcodec.stream.stages import Progress

if TYPE_CHECKING:  # NumPy and FFmpeg, which checking without decoding needs none of
    from streamcodec.stream.options import DecodeSettings
    from streamcodec.stream.reading.pixels import PixelCheck

__all__ = ["VerifyReport", "verify"]


@dataclass(frozen=True)
class VerifyReport:
    """`problems`: what is wrong with the stream; none = it is whole. `frames`, `gops`: found in it. `lost`: frames that cannot be shown,
    as far as it is known that they were there. `decoded`: frames that decode, None if that was not tried.
    `exact_gops`: GOPs whose decoded pixels have the encoder's hash; `inexact_gops`: whose pixels differ, as they may
    on a machine with other arithmetic (numbers of the GOPs).
    """

    frames: int
    gops: int
    problems: tuple[str, ...]
    decoded: int | None = None
    exact_gops: int = 0
    inexact_gops: tuple[int, ...] = ()
    lost: tuple[Loss, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.problems


@dataclass
class _Walk:
    """Counts what goes by."""

    frames: int = 0
    gops: int = 0
    problems: dict[str, None] = field(default_factory=dict)  # a set that keeps its order

    def add(self, item: Packet | Damage) -> None:
        if isinstance(item, Damage):
            self.problems[item.reason] = None
        elif item.type == PacketType.FRAME:
            self.frames += 1
            self.gops += item.key


def verify(
    source: ByteSource,
    *,
    decode: bool = True,
    progress: Progress | None = None,
    **settings: Unpack["DecodeSettings"],
) -> VerifyReport:
    """Check a stream from front to back: structure, CRCs, index and, with `decode`, that every frame decodes, to the encoder's pixels.

    `source` and `settings` (used with `decode`): as for `streamcodec.open`, without `on_damage`. Damage is in the report.
    Raises SourceError, CorruptStreamError or UnsupportedStreamError only if there is no usable header, a model is missing or the picture is
    too large to decode.
    """
    follow = settings.get("follow", False)
    timeout = settings.get("follow_timeout_seconds", DEFAULT_FOLLOW_SECONDS)
    with (
        stream_file(source, follow=follow, timeout_seconds=timeout) as file,
        naming(file),
    ):
        reader = reader_of(
            file, "skip", settings.get("header_from"), settings.get("limits", DEFAULT_LIMITS)
        )
        walk, losses = _Walk(), Losses()
        check = _pixel_check(reader.header, losses, settings) if decode else None
        for item in reader.packets():
            walk.add(item)
            if isinstance(item, Packet):
                if check is not None:
                    check.add(item)
                else:
                    losses.packet(item)
            if progress is not None:
                progress(walk.frames, None)
        return _report(walk, losses, check, reader)


def _pixel_check(header: Header, losses: Losses, settings: "DecodeSettings") -> "PixelCheck":
    from streamcodec.stream.options import DecodeOptions
    from streamcodec.stream.reading.decoder import PacketDecoder, check_size, codec_for
    from streamcodec.stream.reading.pixels import PixelCheck

    options = DecodeOptions(**settings)
    check_size(header, options)
    return PixelCheck(PacketDecoder(codec_for(header, options), header, strict=False), losses)


def _report(
    walk: _Walk, losses: Losses, check: "PixelCheck | None", reader: Reader
) -> VerifyReport:
    for damage in reader.index.damage:
        walk.add(damage)
    losses.ends(reader.index.frame_count)
    lost = losses.named(reader.index)
    if lost:
        walk.problems[describe_losses(lost, reader.index.frame_count)] = None
    return VerifyReport(
        frames=walk.frames,
        gops=walk.gops,
        problems=tuple(walk.problems),
        decoded=None if check is None else check.frames,
        exact_gops=0 if check is None else check.exact_gops,
        inexact_gops=() if check is None else tuple(check.inexact_gops),
        lost=lost,
    )
