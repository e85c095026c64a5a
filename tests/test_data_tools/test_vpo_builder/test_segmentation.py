import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from mmavs.data_tools.vpo_builder.segmentation import (
    UnusableSegmentationError,
    compact_segmentation,
    decode_counts,
)


def run_lengths(mask):
    """Brute force: runs down the columns, background first."""
    runs, value = [0], 0
    for pixel in mask.ravel(order='F'):
        if pixel != value:
            runs.append(0)
            value = pixel
        runs[-1] += 1
    return runs


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.floats(0, 1), st.integers(0, 9))
def test_counts_decode_to_the_runs_of_the_mask(height, width, share, seed):
    mask = (np.random.default_rng(seed).random((height, width)) < share).astype(np.uint8)
    rle = coco_mask.encode(np.asfortranarray(mask))
    assert decode_counts(rle['counts'].decode()).tolist() == run_lengths(mask)


def test_long_runs_decode():
    runs = [123456789, 5, 40000**2 - 123456794]
    rle = coco_mask.frPyObjects({'size': [40000, 40000], 'counts': runs}, 40000, 40000)
    assert decode_counts(rle['counts'].decode()).tolist() == runs


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(min_codepoint=32, max_codepoint=130), max_size=30))
def test_any_text_is_refused_or_safe_to_decode(text):
    """pycocotools decodes whatever passes the check, to a mask of the same number of pixels."""
    try:
        rle = compact_segmentation({'size': [6, 7], 'counts': text})
    except UnusableSegmentationError:
        return
    assert coco_mask.area(rle) == decode_counts(text)[1::2].sum() == coco_mask.decode(rle).sum()


@pytest.mark.parametrize('counts', [[41], [43], [-1, 43], [10, 32.5], [float('nan'), 42], [2**40, 42 - 2**40], []])
def test_uncompressed_counts_must_add_up(counts):
    with pytest.raises(UnusableSegmentationError, match='do not decode'):
        compact_segmentation({'size': [6, 7], 'counts': counts})


def test_uncompressed_counts_give_the_mask():
    mask = (np.random.default_rng(0).random((6, 7)) < 0.4).astype(np.uint8)
    rle = compact_segmentation({'size': [6, 7], 'counts': run_lengths(mask)})
    np.testing.assert_array_equal(coco_mask.decode(rle), mask)
