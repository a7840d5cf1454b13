"""References that are made of planes: what other decoders decoded."""

import numpy as np
import pytest

from streamcodec import _native
from streamcodec.errors import UsageError

from .pictures import assert_planes_equal, models, picture

SIZE = (33, 50)


def coded() -> tuple[_native.Reference, _native.Reference]:
    """An I-frame and the P-frame after it."""
    intra, inter = models()
    _, key = intra.encode(picture(*SIZE, 0), 40)
    return key, inter.encode(picture(*SIZE, 1), 40, key)[1]


def test_planes_become_a_key_frame() -> None:
    planes = picture(*SIZE, 0)
    reference = _native.Reference(planes)
    assert reference.key
    assert reference.size == SIZE
    assert (reference.motion, reference.magnitudes, reference.row_sums) == (None, None, None)
    assert_planes_equal(reference.planes(), planes)
    planes[0][:] = 0
    assert reference.planes()[0].any()


def test_padding_may_be_given() -> None:
    intra, inter = models()
    payload, key = intra.encode(picture(48, 64, 0), 40)
    frame = picture(*SIZE, 1)
    cut = _native.Reference(key.planes(), SIZE)
    assert cut.size == SIZE
    payload, decoded = inter.encode(frame, 40, cut)
    assert_planes_equal(inter.decode(payload, SIZE, cut).planes(), decoded.planes())
    y, u, v = key.planes()
    repeated = _native.Reference((y[:33, :50].copy(), u[:17, :25].copy(), v[:17, :25].copy()))
    assert_planes_equal(repeated.planes(), cut.planes())
    assert inter.encode(frame, 40, repeated)[0] != payload


def test_a_p_frame_is_a_reference_like_the_one_it_was() -> None:
    _, inter = models()
    intra, _ = models()
    _, key = intra.encode(picture(48, 64, 0), 40)  # needs no padding
    _, second = inter.encode(picture(48, 64, 1), 40, key)
    again = _native.Reference(
        second.planes(),
        key=key,
        motion=second.motion,
        magnitudes=second.magnitudes,
        row_sums=second.row_sums,
    )
    assert not again.key
    third = picture(48, 64, 2)
    assert inter.encode(third, 40, again)[0] == inter.encode(third, 40, second)[0]


def test_references_fail() -> None:
    key, second = coded()
    y, u, v = picture(*SIZE, 0)
    parts = {
        "key": key,
        "motion": second.motion,
        "magnitudes": second.magnitudes,
        "row_sums": second.row_sums,
    }
    for name in parts:
        with pytest.raises(UsageError, match="a P-frame has a key frame, motion, magnitudes and"):
            _native.Reference((y, u, v), **{**parts, name: None})  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="accepted: an I-frame of 33x50"):
        _native.Reference((y, u, v), **{**parts, "key": second})  # type: ignore[arg-type]
    other = _native.Reference(picture(16, 16, 0))
    with pytest.raises(UsageError, match="16x16 pixels; accepted: an I-frame of 33x50"):
        _native.Reference((y, u, v), **{**parts, "key": other})  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="macroblocks"):
        _native.Reference(picture(16, 16, 0), **{**parts, "key": other})  # type: ignore[arg-type]
    assert second.magnitudes is not None
    with pytest.raises(UsageError, match="magnitudes are"):
        _native.Reference((y, u, v), **{**parts, "magnitudes": second.magnitudes[1:].copy()})  # type: ignore[arg-type]
    assert second.row_sums is not None
    with pytest.raises(UsageError, match="row_sums are"):
        _native.Reference((y, u, v), **{**parts, "row_sums": second.row_sums[:1].copy()})  # type: ignore[arg-type]
    for size in ((34, 50), (32, 50), (0, 0)):
        with pytest.raises(UsageError, match="accepted"):
            _native.Reference((y, u, v), size)
    with pytest.raises(UsageError, match="U and V do not fit"):
        _native.Reference((y, u[1:].copy(), v))
    with pytest.raises(UsageError):
        _native.Reference((y.astype(np.float32), u, v))  # type: ignore[arg-type]


def test_a_b_frame_has_motion_of_its_own_to_begin_with() -> None:
    key, second = coded()
    assert second.motion is not None
    two = key.between(second, back=1, ahead=1, spanned_by_future=True)
    assert not two.key
    assert two.motion is not None
    assert two.magnitudes is not None
    assert two.row_sums is not None
    assert (two.motion.modes == 2).all()
    np.testing.assert_array_equal(two.motion.key, -second.motion.previous)
    np.testing.assert_array_equal(two.motion.previous, (second.motion.previous + 1) >> 1)
    assert not two.magnitudes.any()
    assert not two.row_sums.any()


def test_frames_that_a_b_frame_cannot_lie_between_fail() -> None:
    key, second = coded()
    other = models()[0].encode(picture(16, 16, 0), 40)[1]
    for past, future in ((second, key), (second, second), (other, second)):
        with pytest.raises(UsageError, match="lies between two other frames"):
            past.between(future, back=1, ahead=1, spanned_by_future=True)
    with pytest.raises(UsageError, match="has no motion that leads"):
        key.between(second, back=1, ahead=1, spanned_by_future=False)
    for back, ahead in ((0, 1), (1, 9)):
        with pytest.raises(UsageError, match=r"accepted: 1\.\.8"):
            key.between(second, back=back, ahead=ahead, spanned_by_future=True)
    with pytest.raises(TypeError):
        key.between(None, back=1, ahead=1, spanned_by_future=True)  # type: ignore[arg-type]
