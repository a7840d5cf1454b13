import io
import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import torch

import streamcodec
from streamcodec import EncodeOptions, Encoder
from streamcodec.codec import Codec, CodedFrame, pyramid
from streamcodec.codec.zoo_model import RgbReference
from streamcodec.errors import UsageError
from streamcodec.stream.control.offsets import RUN_OFFSETS, PlaceInGop
from streamcodec.stream.control.rate import ConstantQuality, Feedback, RateController, controller_of
from streamcodec.stream.control.target import Measure, Target
from streamcodec.types import RawFrame, VideoFormat

VIDEO = VideoFormat(64, 48, time_base=Fraction(1, 25), frame_rate=Fraction(25))
PIXELS = 64 * 48
GOP = 16


@pytest.fixture
def frames() -> list[torch.Tensor]:
    base = torch.randint(
        0, 256, (3, 32, 48), generator=torch.Generator().manual_seed(2), dtype=torch.uint8
    )
    return [base.roll(shift, dims=1) for shift in range(12)]


def raw(pts: int) -> RawFrame:
    return RawFrame((np.full((3, 48, 64), 128, np.uint8),), pts, 1)


def coded_with_bits(bits: float) -> CodedFrame:
    return CodedFrame(
        bytes(max(round(bits / 8), 1)), RgbReference((np.full((3, 48, 64), 128, np.uint8),))
    )


def coded_with_error(error: float) -> CodedFrame:
    """A reconstruction with this mean squared error, by some pixels that are 32 off."""
    pixels = np.full(3 * PIXELS, 128, np.uint8)
    pixels[: round(error / 32**2 * 3 * PIXELS)] += 32
    return CodedFrame(b"?", RgbReference((pixels.reshape(3, 48, 64),)))


def run_bits(
    controller: Feedback, count: int, bits_of: Callable[[int, int, bool], float], step: int = 1
) -> list[tuple[int, int]]:
    """(quality, bytes with what is around the payload) of each frame of a made-up codec."""
    done = []
    for number in range(count):
        frame, place = raw(number * step), PlaceInGop(number % GOP)
        quality = controller.quality_for(frame, place)
        coded = coded_with_bits(bits_of(number, quality, place.number == 0))
        controller.add(frame, coded)
        done.append((quality, len(coded.payload) + 30))
    return done


def usual(_number: int, quality: int, key: bool) -> float:
    return (4000 if key else 800) * 2 ** (quality / 24)


def kbit_per_second(done: list[tuple[int, int]], step: int = 1) -> float:
    return 8e-3 * sum(size for _, size in done) * 25 / (len(done) * step)


@pytest.mark.parametrize("kbit", [60.0, 100.0, 150.0])
def test_bit_rate_is_reached_and_quality_settles(kbit: float) -> None:
    done = run_bits(Feedback(VIDEO, GOP, Target("kbit_per_second", kbit)), 320, usual)
    assert kbit_per_second(done) == pytest.approx(kbit, rel=0.03)
    assert kbit_per_second(done[160:]) == pytest.approx(kbit, rel=0.03)
    assert np.ptp([quality for quality, _ in done[160:]]) <= 3


def test_bits_per_pixel_do_not_depend_on_time() -> None:
    target = Target("bpp", 0.5)
    done = run_bits(Feedback(VIDEO, GOP, target), 160, usual)
    assert done == run_bits(Feedback(VIDEO, GOP, target), 160, usual, step=7)
    assert 8 * sum(size for _, size in done) / (160 * PIXELS) == pytest.approx(0.5, rel=0.03)


def test_slower_frames_may_cost_more() -> None:
    """The nominal rate is 25 frames per second, the real one half of it: times count."""
    done = run_bits(Feedback(VIDEO, GOP, Target("kbit_per_second", 60.0)), 320, usual, step=2)
    assert kbit_per_second(done[64:], step=2) == pytest.approx(60.0, rel=0.05)


def test_harder_scene_is_paid_for() -> None:
    def harder_later(number: int, quality: int, key: bool) -> float:
        return usual(number, quality, key) * (1.6 if number > 150 else 1.0)

    done = run_bits(Feedback(VIDEO, GOP, Target("kbit_per_second", 90.0)), 480, harder_later)
    assert kbit_per_second(done) == pytest.approx(90.0, rel=0.03)
    assert max(quality for quality, _ in done[300:]) < min(quality for quality, _ in done[100:150])


@pytest.mark.parametrize(("kbit", "end"), [(1.0, 0), (1e5, 63)])
def test_bit_rate_out_of_reach_ends_at_an_end(kbit: float, end: int) -> None:
    done = run_bits(Feedback(VIDEO, GOP, Target("kbit_per_second", kbit)), 64, usual)
    assert {quality for quality, _ in done[32:]} == {end}


def test_quality_changes_gently_within_a_gop() -> None:
    rng = np.random.default_rng(3)
    done = run_bits(
        Feedback(VIDEO, GOP, Target("kbit_per_second", 90.0)),
        96,
        lambda n, q, key: usual(n, q, key) * rng.uniform(0.4, 2.5),
    )
    qualities = [quality for quality, _ in done]
    assert len(set(qualities)) > 3
    assert all(abs(b - a) <= 3 for i, (a, b) in enumerate(pairwise(qualities)) if (i + 1) % GOP)


RUN_GOP = 17  # an I-frame and whole runs, of 1, 3 or 7 B-frames, with their anchors


def in_runs(controller: RateController, run: int, gops: int) -> Iterator[tuple[PlaceInGop, int]]:
    """Places in the order of coding, and the qualities that the controller gives."""
    for first in range(0, gops * RUN_GOP, RUN_GOP):
        places = [PlaceInGop(0)]
        for before in range(0, RUN_GOP - 1, run + 1):
            places.append(PlaceInGop(before + run + 1, run))
            places += [PlaceInGop(before + at.at, run, at.level) for at in pyramid(run)]
        for place in places:
            yield place, controller.quality_for(raw(first + place.number), place)


@pytest.mark.parametrize("run", [1, 3, 7])
@pytest.mark.parametrize("kbit", [40.0, 70.0])
def test_bit_rate_is_reached_with_b_frames(kbit: float, run: int) -> None:
    """Anchors cost more than others; B-frames follow their quality."""
    controller = Feedback(VIDEO, RUN_GOP, Target("kbit_per_second", kbit))
    done: list[tuple[int, int]] = []
    for place, quality in in_runs(controller, run, 24):
        bits = usual(0, quality, place.number == 0) * (0.4 if place.level else 1)
        coded = coded_with_bits(bits)
        controller.add(raw(0), coded)
        done.append((quality, len(coded.payload) + 30))
    assert kbit_per_second(done) == pytest.approx(kbit, rel=0.05)


@pytest.mark.parametrize(
    "controller", [ConstantQuality(40), Feedback(VIDEO, GOP, Target("bpp", 1))]
)
@pytest.mark.parametrize("run", [1, 3, 7])
def test_b_frames_are_coded_at_their_offsets(controller: RateController, run: int) -> None:
    anchor = 0
    for place, quality in in_runs(controller, run, 2):
        controller.add(raw(0), coded_with_bits(usual(0, quality, place.number == 0)))
        offsets = RUN_OFFSETS[{0: 0, 1: 1, 3: 2, 7: 3}[place.run]]
        if place.level == 0:
            anchor = quality
        assert quality - anchor == offsets[place.level] - offsets[0]


@pytest.mark.parametrize(
    ("kbit", "end", "reached"), [(1.0, 0, (0, 4, 0, 0, 0)), (1e5, 63, (63, 63, 61, 58, 55))]
)
def test_feedback_offsets_are_those_of_a_constant_quality(
    kbit: float, end: int, reached: tuple[int, ...]
) -> None:
    """Qualities of the I-frame, the P-frames and the three levels of B-frames in runs of 7, at either end."""
    feedback = Feedback(VIDEO, RUN_GOP, Target("kbit_per_second", kbit))
    found: dict[tuple[bool, int], int] = {}
    for place, quality in in_runs(feedback, 7, 6):
        feedback.add(raw(0), coded_with_bits(usual(0, quality, place.number == 0)))
        found[place.number == 0, place.level] = quality
    assert tuple(found.values()) == reached
    constant = in_runs(ConstantQuality(end), 7, 1)
    assert found == {(place.number == 0, place.level): quality for place, quality in constant}


@pytest.mark.parametrize("wanted", [33.0, 36.0, 40.0])
def test_psnr_is_reached(wanted: float) -> None:
    controller = Feedback(VIDEO, GOP, Target("psnr_db", wanted))
    errors, qualities = [], []
    for number in range(200):
        quality = controller.quality_for(raw(number), PlaceInGop(number % GOP))
        error = 255**2 / 10 ** ((31 + 0.15 * quality - 0.3 * (number % GOP > 0)) / 10)
        controller.add(raw(number), coded_with_error(error))
        errors.append(error)
        qualities.append(quality)
    assert 10 * math.log10(255**2 / np.mean(errors)) == pytest.approx(wanted, abs=0.15)
    assert np.ptp(qualities[100:]) <= 4


@pytest.mark.parametrize("gop", [1, 5, 32, 50, 65535])
def test_gops_of_every_length(gop: int) -> None:
    controller = Feedback(VIDEO, gop, Target("kbit_per_second", 100.0))
    sizes = []
    for number in range(200):
        quality = controller.quality_for(raw(number), PlaceInGop(number % gop))
        coded = coded_with_bits(usual(number, quality, key=False) * 1.5)
        controller.add(raw(number), coded)
        sizes.append(len(coded.payload) + 30)
    assert 8e-3 * sum(sizes[40:]) * 25 / 160 == pytest.approx(100.0, rel=0.1)


def test_controller_follows_the_options() -> None:
    constant = controller_of(EncodeOptions(quality=17), VIDEO)
    assert constant == ConstantQuality(17, refresh=12)
    assert constant.start == 17
    assert [constant.quality_for(raw(n), PlaceInGop(n)) for n in (0, 1, 32)] == [17, 17, 29]
    assert isinstance(controller_of(EncodeOptions(target_bpp=0.1), VIDEO), Feedback)


@pytest.mark.parametrize(
    ("measure", "value"),
    [
        ("psnr_db", 0), ("psnr_db", -3.0), ("psnr_db", 10**30), ("bpp", math.nan), ("bpp", 1000.5), ("bpp", True), ("bpp", "1"),
        ("kbit_per_second", math.inf),
    ],
)  # fmt: skip
def test_impossible_targets_fail(measure: Measure, value: float) -> None:
    with pytest.raises(UsageError, match="accepted: above 0, to "):
        EncodeOptions(**{f"target_{measure}": value})
    with pytest.raises(UsageError, match="accepted: psnr_db, bpp"):
        Target("vmaf", 90.0)  # type: ignore[arg-type]


def test_two_wishes_fail(frames: list[torch.Tensor]) -> None:
    with pytest.raises(UsageError, match=r"40.00 dB PSNR and 0.1000 bpp; accepted: one of them"):
        EncodeOptions(target_psnr_db=40.0, target_bpp=0.1)
    with pytest.raises(UsageError, match=r"quality is 20 and the target 90 kbit/s"):
        streamcodec.encode(frames, io.BytesIO(), quality=20, target_kbit_per_second=90.0)


@pytest.mark.parametrize("b_frames", [0, 2])
def test_live_stream_with_a_target(
    frames: list[torch.Tensor], tiny_codec: Codec, b_frames: int
) -> None:
    """The packets carry the qualities, and decode; the header tells the first."""
    video = VideoFormat(48, 32, time_base=Fraction(1, 25), frame_rate=Fraction(25))
    packets, shown = [], []
    encoder = Encoder(
        video,
        EncodeOptions(gop=4, b_frames=b_frames, scenecut=0, hash=False, target_kbit_per_second=1.0),
        codec=tiny_codec,
    )
    for frame in frames:
        packets += encoder.push(frame)
        shown += [frame.data for frame in encoder.shown]
    assert len(packets) == len(shown) == len(frames)
    qualities = [packet.payload[0] % 64 for packet in packets]
    assert qualities[0] == encoder.options.quality_of_key(encoder.header.quality)
    assert qualities[0] > qualities[-1]
    for first in range(0, 12, 4):
        payloads = [packet.payload for packet in packets[first : first + 4]]
        assert streamcodec.decode_gop(tiny_codec, payloads, (32, 48)).data.equal(
            torch.stack(shown[first : first + 4])
        )


def test_frames_from_python_are_adapted_to(
    frames: list[torch.Tensor], tiny_models: dict[str, str]
) -> None:
    outs = [io.BytesIO(), io.BytesIO()]
    for out in outs:
        report = streamcodec.encode(iter(frames), out, target_psnr_db=90.0, **tiny_models)
    assert outs[0].getvalue() == outs[1].getvalue()
    assert (report.quality, report.search) == (None, None)
    assert report.psnr_db is not None
    assert report.shortfall is not None
    assert "90.00 dB PSNR was missed" in report.shortfall
    easy = streamcodec.encode(iter(frames), io.BytesIO(), target_bpp=50.0, **tiny_models)
    assert (easy.shortfall, easy.psnr_db) == (None, None)
