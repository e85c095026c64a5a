import pytest
from avsbench_tree import write_rows as write_table
from vpo_tree import csv_path, write_rows

from mmavs.data_tools.checking.annotation_checks import check_annotation
from mmavs.datasets import AVSBenchObjectDataset, AVSegDataset, VPODataset


def row(image=7, *, ann=70, audio='xyz_000030', position=0.5, multi=0, split='train'):
    return dict(
        img_Id=image,
        ann_Ids=ann,
        cateId=17,
        cateName='cat',
        vgg_file=audio,
        audio_pos=position,
        multi_instance=multi,
        split=split,
    )


@pytest.fixture
def check(tmp_path):
    """(kind, message) of all errors in rows of VPO."""

    def check_rows(*rows, subset='ms', split='train'):
        csv_path(tmp_path, subset).parent.mkdir(exist_ok=True)
        write_rows(csv_path(tmp_path, subset), rows)
        dataset = VPODataset(subset, split, data_root=str(tmp_path), lazy_init=True)
        errors = list(check_annotation(dataset))
        assert not any(e.fatal for e in errors)
        return [(e.kind, str(e)) for e in errors]

    return check_rows


def test_repeated_row(check):
    ((kind, message),) = check(row(), row(ann=71), row())
    assert kind == 'duplicate row'
    assert message.endswith('vpo_ms_data_stereo.csv, line 4: repeats line 2, and both are used; remove one')


@pytest.mark.parametrize('change', [dict(position=0.1), dict(audio='other_000030')])
def test_repeated_object(check, change):
    ((kind, message),) = check(row(), row(8), row(ann=71), row(**change))
    assert kind == 'repeated object'
    assert 'csv, line 5: object 70 of image 7 is also in line 2' in message


def test_rows_of_other_splits_are_no_duplicates(check):
    assert not check(row(), row(split='test', audio='b', image=8), row(split='test', audio='b', image=8))


def test_rows_without_repeated_objects(check):
    """In SS an object may have several recordings, in MSMI an image both kinds of objects."""
    assert not check(row(), row(audio='other_000030'), subset='ss')
    assert not check(row(), row(multi=1, position=0.1), subset='msmi')


def test_images_and_recordings_shared_by_splits(check):
    rows = (
        row(7, audio='a'),
        row(8, audio='b'),
        row(7, split='test', ann=71, audio='c'),
        row(9, split='test', audio='b'),
        row(10, split='val', audio='d'),
    )
    (_, image), (kind, recording) = check(*rows)
    assert kind == 'shared by splits'
    assert '1 values of img_Id in split train, the first 7, are also in split test' in image
    assert '1 values of vgg_file in split train, the first b, are also in split test' in recording
    assert not check(*rows, split='val')
    assert not check(*rows, split=['train', 'test'])  # one set, however it was divided


def test_clips_shared_by_splits(tmp_path):
    rows = [('a', 'c', 'train'), ('a', 'd', 'train'), ('a', 'c', 'test'), ('b', 'c', 'test')]
    write_table(tmp_path / 'Single-source' / 's4_meta_data.csv', ('name', 'category', 'split'), rows)
    (error,) = check_annotation(AVSBenchObjectDataset('s4', data_root=str(tmp_path), lazy_init=True))
    assert '1 values of name in split train, the first c/a, are also in split test' in str(error)


def test_other_datasets_have_no_such_checks():
    dataset = AVSegDataset(metainfo=dict(classes=('background', 'cat')), lazy_init=True)
    assert list(check_annotation(dataset)) == []
