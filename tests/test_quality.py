"""The quantiser of each quality."""

import numpy as np

from streamcodec.codec.dct_weights import load_dct_weights
from streamcodec.quality import COARSEST, FINEST, motion_lambda_16, q_of, quality_of
from streamcodec.types import QUALITIES
from streamcodec.weights import PACKAGED


def test_qualities_and_quantisers() -> None:
    assert (q_of(0), q_of(63)) == (COARSEST, FINEST)
    assert [quality_of(q_of(quality)) for quality in range(QUALITIES)] == list(range(QUALITIES))
    assert [quality_of(q) for q in (60.0, 44.2, 43.8, 28.0, 0.0)] == [0, 0, 0, 32, 63]


def test_the_shipped_weights_were_made_with_it() -> None:
    inter = load_dct_weights(PACKAGED / "dct-inter.safetensors")
    expected = [motion_lambda_16(q_of(quality)) for quality in range(QUALITIES)]
    assert np.array_equal(inter.extra, expected)
