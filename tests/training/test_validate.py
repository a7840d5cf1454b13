"""Validation: the figures of a real clip in coded bits."""

from pathlib import Path

import pytest
import torch

from streamcodec.codec import Codec, encode_gop
from streamcodec.errors import UsageError
from streamcodec.training.validate import gain_row_qualities, measure_clip
from streamcodec.video import VideoReader, to_rgb


def test_measurement_counts_coded_bits(clip: Path, tiny_codec: Codec) -> None:
    row = measure_clip(tiny_codec, clip, 32, 3)
    assert (row.clip, row.quality, row.frames) == ("clip", 32, 3)
    assert row.bpp == pytest.approx((row.i_bpp + 2 * row.p_bpp) / 3)
    assert row.psnr_yuv_db == pytest.approx((row.i_psnr_yuv_db + row.first_p_psnr_yuv_db + row.last_p_psnr_yuv_db) / 3)


def test_single_frame_is_an_i_frame(clip: Path, tiny_codec: Codec) -> None:
    row = measure_clip(tiny_codec, clip, 63, 1)
    assert row.bpp == row.i_bpp == row.p_bpp


def test_bad_quality_fails(clip: Path, tiny_codec: Codec) -> None:
    with pytest.raises(UsageError, match="quality is 64"):
        measure_clip(tiny_codec, clip, 64, 1)


def test_qualities_of_the_rows() -> None:
    assert gain_row_qualities(5) == [0, 16, 32, 47, 63]


def test_encode_gop_gives_the_same_bits(clip: Path, tiny_codec: Codec) -> None:
    with VideoReader(str(clip), frame_format="yuv420", max_frames=2) as reader:
        color = reader.format.color
        pictures = [torch.from_numpy(to_rgb((f.planes[0], f.planes[1], f.planes[2]), color)) for f in reader]
    sizes = [len(payload) for payload in encode_gop(tiny_codec, torch.stack(pictures), 20).payloads]
    row = measure_clip(tiny_codec, clip, 20, 2)
    assert row.bpp == pytest.approx(8 * sum(sizes) / 2 / (96 * 64))
