"""Frames that are held back, and what comes out of them."""

import io
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import streamcodec
from streamcodec import EncodeOptions, Encoder
from streamcodec.codec import Codec, is_b_frame
from streamcodec.container import Packet, PacketType, Reader
from streamcodec.errors import UsageError
from streamcodec.metrics import frame_mse
from streamcodec.parts import encode_part, join_parts, plan_video
from streamcodec.stream.coding import Tally, coded
from streamcodec.stream.control.offsets import RUN_OFFSETS
from streamcodec.stream.reading.frames import Frame
from streamcodec.types import RawFrame, VideoFormat
from support.sounding import Sound, Sounding, write_sounding

CITY = Path(__file__).parents[3] / "tools" / "data" / "city.mkv"
VIDEO = VideoFormat(112, 96, time_base=Fraction(1, 25), frame_rate=Fraction(25))


@pytest.fixture(scope="module")
def frames() -> list[RawFrame]:
    """40 frames of 4:2:0: smooth shapes that move, and noise, where B-frames pay."""
    y, x = np.mgrid[:96, :112]
    noise, shown = np.random.default_rng(1), []
    for number in range(40):
        luma = 128 + 50 * np.sin((x + number) / 5) + 40 * np.cos(y / 7 + (x + number) / 11)
        luma = (luma + noise.normal(0, 4, luma.shape)).clip(0, 255)
        chroma = np.full((48, 56), 128, np.uint8)
        shown.append(RawFrame((luma.astype(np.uint8), chroma, chroma), number, 1))
    return shown


def pushed(
    encoder: Encoder, frames: list[RawFrame], key: int = -1
) -> tuple[list[Packet], list[Frame]]:
    """All packets, and the frames that they show."""
    packets, shown = [], []
    for number, frame in enumerate(frames):
        packets += encoder.push(frame, key=number == key)
        shown += encoder.shown
        assert encoder.frames == len(shown)
        assert number + 1 - len(shown) <= encoder.options.b_frames
    packets += encoder.flush()
    shown += encoder.shown
    return packets, shown


def gops_of(packets: list[Packet]) -> list[list[Packet]]:
    gops: list[list[Packet]] = []
    for packet in packets:
        if packet.type == PacketType.FRAME:
            if packet.key:
                gops.append([])
            gops[-1].append(packet)
    return gops


@pytest.mark.parametrize("settings", [{}, {"gop": 9}, {"gop": 3}, {"b_frames": 1}, {"b_frames": 2}])
@pytest.mark.parametrize("target", [{}, {"target_kbit_per_second": 60.0}, {"target_psnr_db": 35.0}])
def test_packets_come_in_order_and_show_what_decoding_gives(
    frames: list[RawFrame], tiny_codec: Codec, settings: dict[str, int], target: dict[str, float]
) -> None:
    options = EncodeOptions(scenecut=0, hash=False, **settings, **target)
    packets, shown = pushed(Encoder(VIDEO, options, codec=tiny_codec), frames)
    assert [packet.frame for packet in packets] == list(range(len(frames)))
    assert [frame.index for frame in shown] == list(range(len(frames)))
    assert [packet.b_frame for packet in packets] == [is_b_frame(p.payload) for p in packets]
    assert "B" in {frame.type for frame in shown}
    left = iter(shown)
    for gop in gops_of(packets):
        decoded = streamcodec.decode_gop(tiny_codec, [packet.payload for packet in gop], (96, 112))
        for planes in zip(*decoded.planes, strict=True):
            expected = next(left).planes
            assert all(np.array_equal(*pair) for pair in zip(planes, expected, strict=True))


def test_gops_are_closed(frames: list[RawFrame], tiny_codec: Codec) -> None:
    """Where a GOP ends, by its length, a key frame that is asked for or the end, its last frame is no B-frame."""
    encoder = Encoder(VIDEO, EncodeOptions(gop=16, scenecut=0), codec=tiny_codec)
    packets, _ = pushed(encoder, frames, key=7)
    gops = gops_of(packets)
    assert [len(gop) for gop in gops] == [7, 16, 16, 1]
    assert all(not gop[at].b_frame for gop in gops for at in (0, -1))
    again, _ = pushed(
        Encoder(VIDEO, EncodeOptions(gop=16, scenecut=0), codec=tiny_codec), frames[7:]
    )
    assert [p.payload for gop in gops[1:] for p in gop] == [
        p.payload for gop in gops_of(again) for p in gop
    ]


def test_hashes_lie_behind_the_frames_of_their_gop(
    frames: list[RawFrame], tiny_codec: Codec
) -> None:
    encoder = Encoder(VIDEO, EncodeOptions(gop=10, scenecut=0), codec=tiny_codec)
    packets, _ = pushed(encoder, frames)
    places = [at for at, packet in enumerate(packets) if packet.type == PacketType.GOP_HASH]
    assert places == [10, 21, 32, 43]
    assert [packets[at].gop for at in places] == [0, 1, 2, 3]


def test_full_gop_waits_for_nothing(frames: list[RawFrame], tiny_codec: Codec) -> None:
    encoder = Encoder(VIDEO, EncodeOptions(gop=6, scenecut=0), codec=tiny_codec)
    for number, frame in enumerate(frames[:12]):
        encoder.push(frame)
        if number % 6 in (0, 5):
            assert encoder.frames == number + 1
            assert encoder.reconstruction.index == number
    assert encoder.flush()[-1].type == PacketType.GOP_HASH
    assert (encoder.shown, encoder.flush()) == ([], [])


@pytest.mark.parametrize(
    ("settings", "longest"),
    [
        ({}, 7),
        ({"b_frames": 3}, 3),
        ({"gop": 5}, 3),
        ({"gop": 2}, 0),
        ({"gop": 1}, 0),
        ({"inter": "none"}, 0),
    ],
)
def test_header_tells_the_longest_run(
    settings: dict[str, object], longest: int, tiny_models: dict[str, str]
) -> None:
    options = EncodeOptions(**{**tiny_models, **settings})  # type: ignore[arg-type]
    assert Encoder(VIDEO, options).header.b_frames == longest


def test_frames_are_coded_at_the_offsets_of_their_runs(
    frames: list[RawFrame], tiny_codec: Codec
) -> None:
    options = EncodeOptions(quality=30, gop=65, scenecut=0, hash=False)
    packets, _ = pushed(Encoder(VIDEO, options, codec=tiny_codec), frames)
    qualities = [packet.payload[0] % 64 for packet in packets]
    assert qualities[0] == options.quality_of_key(30)
    anchors = [packet.frame for packet in packets if not packet.b_frame]
    for before, anchor in pairwise(anchors):
        offsets = RUN_OFFSETS[(anchor - before - 1).bit_length()]
        is_refresh = before < 32 <= anchor
        assert qualities[anchor] == 30 + (12 if is_refresh else offsets[0])
        assert {q - 30 for q in qualities[before + 1 : anchor]} <= set(offsets[1:])


def test_known_payloads_are_decoded(frames: list[RawFrame], tiny_codec: Codec) -> None:
    """As a resumed encode has them."""
    options = EncodeOptions(gop=16, scenecut=0, target_kbit_per_second=60.0)
    packets, shown = pushed(Encoder(VIDEO, options, codec=tiny_codec), frames)
    known = [packet.payload for gop in gops_of(packets)[:2] for packet in gop]
    again, others = [], []
    encoder = Encoder(VIDEO, options, codec=tiny_codec)
    for step in coded(encoder, frames, known=known):
        again += step.packets
        others += [] if step.frame is None else [encoder.reconstruction.index]
    assert again == packets
    assert len(others) == len(shown)


def test_steps_are_in_order_of_display(frames: list[RawFrame], tiny_codec: Codec) -> None:
    options = EncodeOptions(scenecut=0)
    tally, numbers = Tally(), []
    _, shown = pushed(Encoder(VIDEO, options, codec=tiny_codec), frames)
    for step in coded(Encoder(VIDEO, options, codec=tiny_codec), frames, measure=True):
        tally.add(step)
        if step.frame is not None:
            *_, packet = step.packets
            assert packet.pts == step.frame.pts
            assert step.error == frame_mse(step.frame.planes, shown[packet.frame].planes)
            assert step.seconds > 0
            numbers.append(packet.frame)
    assert numbers == list(range(len(frames)))
    assert (tally.frames, tally.end_pts) == (len(frames), len(frames))


def test_sound_lies_where_it_lies_without_b_frames(
    tmp_path: Path, tiny_models: dict[str, str]
) -> None:
    source = write_sounding(tmp_path / "in.mkv", Sounding([Sound()]))

    def places(b_frames: int) -> list[tuple[int, int, int]]:
        out = io.BytesIO()
        streamcodec.encode(source, out, gop=12, b_frames=b_frames, **tiny_models)
        return [(p.type, p.gop, p.pts) for p in Reader(io.BytesIO(out.getvalue())).packets()]

    assert places(7) == places(0)
    assert PacketType.AUDIO in {kind for kind, *_ in places(7)}


def test_b_frames_pay_in_a_video_from_a_camera(tmp_path: Path) -> None:
    """With the default models: fewer bytes, and nearly the same PSNR."""
    reports = {}
    for b_frames in (0, 7):
        out = tmp_path / f"{b_frames}.ssf"
        reports[b_frames] = streamcodec.encode(
            CITY, out, b_frames=b_frames, max_frames=10, scale="360x202", preset="fast", psnr=True
        )
        checked = streamcodec.verify(out)
        assert (checked.ok, checked.exact_gops) == (True, 1)
    assert reports[7].size_bytes < 0.95 * reports[0].size_bytes
    assert reports[7].psnr_db > reports[0].psnr_db - 0.3


SETTINGS: dict[str, Any] = {"gop": 9, "scenecut": 0, "preset": "fast"}


@pytest.fixture(scope="module")
def source(frames: list[RawFrame], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("clips") / "in.y4m"
    planes = (b"".join(plane.tobytes() for plane in frame.planes) for frame in frames)
    head = b"YUV4MPEG2 W112 H96 F25:1 Ip A1:1 C420mpeg2\n"
    path.write_bytes(head + b"".join(b"FRAME\n" + data for data in planes))
    return path


@pytest.fixture(scope="module")
def straight(source: Path) -> tuple[bytes, streamcodec.EncodeReport]:
    """The stream and the report."""
    out = io.BytesIO()
    report = streamcodec.encode(source, out, psnr=True, **SETTINGS)
    assert "B" in {frame.type for frame in streamcodec.open(out.getvalue())}
    return out.getvalue(), report


def test_prediction_from_a_whole_video_is_exact(
    source: Path,
    straight: tuple[bytes, streamcodec.EncodeReport],
) -> None:
    [found] = streamcodec.search(source, qualities=[32], **SETTINGS).predictions
    assert found.size_bytes == len(straight[0])
    assert found.psnr_db == pytest.approx(straight[1].psnr_db)


def test_parts_are_those_of_a_straight_encode(
    source: Path, straight: tuple[bytes, streamcodec.EncodeReport], tmp_path: Path
) -> None:
    plan = plan_video(source, **SETTINGS)
    paths = [tmp_path / f"{number}.ssf" for number in range(3)]
    for gops, path in zip(plan.split(3), paths, strict=True):
        encode_part(source, plan, gops, path)
    join_parts(plan, paths, tmp_path / "out.ssf")
    assert (tmp_path / "out.ssf").read_bytes() == straight[0]


def test_encode_that_is_cut_off_inside_a_run_goes_on(
    source: Path, straight: tuple[bytes, streamcodec.EncodeReport], tmp_path: Path
) -> None:
    def stop(done: int, _: int | None) -> None:
        if done == 12:
            raise KeyboardInterrupt

    out = tmp_path / "out.ssf"
    settings = {"resume": True, **SETTINGS}
    with pytest.raises(KeyboardInterrupt):
        streamcodec.encode(source, out, progress=stop, **settings)
    report = streamcodec.encode(source, out, **settings)
    assert report.notes[0] == "went on from frame 9 of an earlier run"
    assert out.read_bytes() == straight[0]


@pytest.mark.parametrize("count", [-1, 8, 1.5, True, "3"])
def test_other_numbers_of_b_frames_fail(count: object) -> None:
    with pytest.raises(UsageError, match=r"number of B-frames in a row is .*; accepted: 0\.\.7"):
        EncodeOptions(b_frames=count)  # type: ignore[arg-type]
