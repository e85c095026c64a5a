"""Mask values to class indices, for any table, against a dictionary pixel by pixel."""

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mmavs.data_tools.checking.file_checks import ImageJob, MaskJob, check_image
from mmavs.datasets import AVSegDataset
from mmavs.datasets.transforms import LoadAVAnnotations

NAMES = ('background', 'a', 'b', 'c', 'd')


class AnyPets(AVSegDataset):
    METAINFO = dict(classes=NAMES, palette=[[i, i, i] for i in range(5)])

    def load_data_list(self):
        return []


@st.composite
def tables(draw):
    """(mask values of all classes, chosen classes)."""
    values = (0, *draw(st.lists(st.integers(1, 254), min_size=4, max_size=4, unique=True)))
    chosen = draw(st.lists(st.sampled_from(NAMES[1:]), min_size=1, max_size=4, unique=True))
    return values, ('background', *chosen)


def truth_of(values, chosen):
    known = {v: chosen.index(n) if n in chosen else 255 for v, n in zip(values, NAMES, strict=True)}
    return {**known, 255: 255}


@settings(max_examples=25)
@given(tables(), st.data())
def test_remap_equals_a_dictionary(tmp_path_factory, table, data):
    values, chosen = table
    truth = truth_of(values, chosen)
    pixels = data.draw(st.lists(st.sampled_from([*values, 255]), min_size=12, max_size=12))
    dataset = AnyPets(mask_values=values, metainfo=dict(classes=chosen), lazy_init=True)
    path = tmp_path_factory.mktemp('mask') / 'mask.png'
    cv2.imwrite(str(path), np.array(pixels, np.uint8).reshape(3, 4))
    record = dict(seg_map_path=str(path), label_table=dataset.label_table, seg_fields=[])
    assert LoadAVAnnotations()(record)['gt_seg_map'].ravel().tolist() == [truth[p] for p in pixels]


@settings(max_examples=25)
@given(tables(), st.lists(st.integers(0, 255), min_size=4, max_size=4))
def test_loading_refuses_exactly_what_the_check_of_files_finds(tmp_path_factory, table, pixels):
    values, chosen = table
    unknown = sorted(set(pixels) - set(truth_of(values, chosen)))
    dataset = AnyPets(mask_values=values, metainfo=dict(classes=chosen), lazy_init=True)
    path = tmp_path_factory.mktemp('mask') / 'mask.png'
    cv2.imwrite(str(path), np.array(pixels, np.uint8).reshape(2, 2))
    job = MaskJob(str(path), dataset.label_table.tobytes(), (), dataset.metainfo['classes'])
    found = [f for f in check_image(ImageJob(str(path), (job,))).findings if f.kind == 'unknown mask values']
    assert len(found) == bool(unknown)
    try:
        LoadAVAnnotations()(dict(seg_map_path=str(path), label_table=dataset.label_table, seg_fields=[]))
    except ValueError as error:
        assert str(unknown) in str(error) and str(unknown) in found[0].detail
    else:
        assert not unknown
