"""Measuring one clip with one codec."""

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

import streamcodec
from streamcodec.errors import SourceError, UsageError
from streamcodec.metrics import frame_mse, mse_to_psnr_db, psnr_db, psnr_yuv_db
from streamcodec.pipelines.evaluation import measure as measuring
from streamcodec.pipelines.evaluation.anchors import ANCHORS, anchor_named
from streamcodec.pipelines.evaluation.measure import encode_anchor, measure, row_of
from streamcodec.pipelines.evaluation.rows import OURS, Clip, Measurement
from streamcodec.video import VideoReader


def our_job(clip: Path, models: dict[str, str]) -> Measurement:
    return Measurement(Clip.of(clip), OURS, 40, 3, "1", {"scenecut": 0, **models}, 4)


def anchor_job(clip: Path, codec: str, crf: int = 30) -> Measurement:
    return Measurement(Clip.of(clip), codec, crf, 3, "1")


def test_our_row_has_the_bits_and_quality_of_a_real_file(
    wide_clip: Path, tiny_models: dict[str, str], tmp_path: Path
) -> None:
    row = measure(our_job(wide_clip, tiny_models))
    path = tmp_path / "out.ssf"
    with VideoReader(wide_clip, frame_format="yuv420", max_frames=4) as reader:
        given = [frame.planes for frame in reader]
    report = streamcodec.encode(
        given, path, quality=40, gop=3, scenecut=0, psnr=True, **tiny_models
    )
    shown = [frame.planes for frame in streamcodec.open(path)]
    expected = [psnr_yuv_db(a, b) for a, b in zip(shown, given, strict=True)]
    expected_db = mse_to_psnr_db(
        float(np.mean([frame_mse(a, b) for a, b in zip(shown, given, strict=True)]))
    )
    assert row.size_bytes == path.stat().st_size
    assert row.bpp == 8 * row.size_bytes / (4 * 176 * 164)
    assert row.psnr_yuv_db == pytest.approx(expected, abs=1e-4)
    assert row.psnr_planes_db is not None
    for plane, found in enumerate(row.psnr_planes_db):
        each = [psnr_db(a[plane], b[plane]) for a, b in zip(shown, given, strict=True)]
        assert found == pytest.approx(np.mean(each), abs=1e-4)
    assert report.psnr_db == pytest.approx(expected_db, abs=1e-9)
    assert row.psnr_rgb_db is not None
    assert report.psnr_db - 9 < row.psnr_rgb_db < report.psnr_db
    assert row.gop_drop_db == pytest.approx(expected[1] - expected[2], abs=2e-4)
    assert 0 < row.ms_ssim < 1
    assert min(row.encode_fps, row.decode_fps) > 0


@pytest.mark.parametrize("codec", ["x264 zerolatency", "x265", "svt-av1"])
def test_an_anchor_costs_more_and_is_better_at_a_lower_crf(wide_clip: Path, codec: str) -> None:
    good, bad = (measure(anchor_job(wide_clip, codec, crf)) for crf in (20, 40))
    assert good.frames == bad.frames == 5
    assert good.size_bytes > bad.size_bytes
    assert good.mean_psnr_yuv_db > bad.mean_psnr_yuv_db + 3
    assert good.psnr_rgb_db is not None
    assert bad.psnr_rgb_db is not None
    assert good.psnr_rgb_db > bad.psnr_rgb_db + 2
    assert 1 > good.ms_ssim > bad.ms_ssim


@pytest.mark.parametrize("codec", ANCHORS)
def test_an_anchor_has_our_gops_and_counts_its_packets(
    wide_clip: Path, codec: str, tmp_path: Path
) -> None:
    coded = encode_anchor(anchor_job(wide_clip, codec), tmp_path)
    with av.open(str(tmp_path / "clip.mp4")) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    keys = sorted(packet.pts for packet in packets if packet.is_keyframe)
    assert keys == [sorted(packet.pts for packet in packets)[number] for number in (0, 3)]
    assert (
        coded.size_bytes
        == sum(packet.size for packet in packets)
        < (tmp_path / "clip.mp4").stat().st_size
    )


def test_anchor_options_name_preset_tune_and_gop() -> None:
    options = anchor_named("x265 zerolatency").options(3)
    assert (options["preset"], options["tune"]) == ("medium", "zerolatency")
    assert options["x265-params"].startswith("keyint=3:min-keyint=3:scenecut=0:")
    assert "tune" not in anchor_named("x264").options(3)
    assert anchor_named("svt-av1").options(3)["preset"] == "8"
    assert (
        str(anchor_named("x265 zerolatency")) == "x265 zerolatency: preset medium, tune zerolatency"
    )


@pytest.mark.parametrize("codec", ["vp9", "x264 film"])
def test_another_anchor_fails(wide_clip: Path, codec: str) -> None:
    with pytest.raises(UsageError, match=r"accepted: x264 zerolatency, x264, .*svt-av1"):
        measure(anchor_job(wide_clip, codec))


def test_a_job_that_fails_says_why(clip: Path) -> None:
    assert "MS-SSIM of 96x64 pictures" in str(row_of(anchor_job(clip, "x264")))


def test_a_small_clip_fails(clip: Path) -> None:
    with pytest.raises(UsageError, match="MS-SSIM of 96x64 pictures"):
        measure(anchor_job(clip, "x264"))


def test_pictures_that_are_not_the_encoders_fail(
    wide_clip: Path, tiny_models: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = streamcodec.encode

    def other(*arguments: object, **settings: object) -> object:
        report = encode(*arguments, **settings)
        return replace(report, psnr_db=np.nextafter(report.psnr_db, 0))

    monkeypatch.setattr(measuring.streamcodec, "encode", other)
    with pytest.raises(SourceError, match="at quality 40 decodes to"):
        measure(our_job(wide_clip, tiny_models))


@pytest.mark.parametrize(("frames", "word"), [(3, "fewer"), (6, "more")])
def test_another_number_of_frames_fails(
    wide_clip: Path, monkeypatch: pytest.MonkeyPatch, frames: int, word: str
) -> None:
    encode = measuring.encode_anchor

    def other(job: Measurement, folder: Path) -> measuring.Coded:
        coded = encode(job, folder)
        pictures = list(coded.pictures)
        return replace(coded, pictures=iter((pictures * 2)[:frames]))

    monkeypatch.setattr(measuring, "encode_anchor", other)
    with pytest.raises(SourceError, match=f"gave back {word} frames"):
        measure(anchor_job(wide_clip, "x264"))
