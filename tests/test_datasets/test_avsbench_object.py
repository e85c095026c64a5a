from pathlib import Path

import numpy as np
import pytest
from avsbench_tree import CATEGORIES, SIZE, object_mask, pitch, write_image, write_ms3, write_rows, write_s4
from mmcv.transforms import Compose

from mmavs.datasets import AVSBenchObjectDataset
from mmavs.datasets.avseg_dataset import AnnotationError

S4_TABLE, MS3_TABLE = 'Single-source/s4_meta_data.csv', 'Multi-sources/ms3_meta_data.csv'
PIPELINE = [
    dict(type='LoadFrame'),
    dict(type='LoadAudio', duration=1.0, channels=1),
    dict(type='LoadAVAnnotations'),
    dict(type='PackAVSegInputs'),
]


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return write_ms3(write_s4(tmp_path_factory.mktemp('avsbench')))


def build(root, *args, **kwargs):
    return AVSBenchObjectDataset(*args, data_root=str(root), **kwargs)


def records(*args, **kwargs):
    dataset = build(*args, **kwargs)
    return [dataset.get_data_info(i) for i in range(len(dataset))]


def loudest(audio, rate=16000):
    """Hz of the strongest tone of one second."""
    return int(np.abs(np.fft.rfft(audio)).argmax())


def test_frames_of_single_source(root):
    found = records(root, 's4', 'val')
    assert len(found) == 2 * 2 * 5
    folder = 'Single-source/s4_data'
    for i, record in enumerate(found):
        category, name, k = CATEGORIES[i // 10], f'va_{CATEGORIES[i // 10][:3]}{i // 5 % 2}_5', i % 5
        assert record['img_path'] == f'{root}/{folder}/visual_frames/val/{category}/{name}/{name}_{k + 1}.png'
        assert record['seg_map_path'] == f'{root}/{folder}/gt_masks/val/{category}/{name}/{name}_{k + 1}.png'
        audio = f'{root}/{folder}/audio_wav/val/{category}/{name}.wav'
        assert record['sources'] == [dict(audio_path=audio, position=0.5, label=None, start=float(k))]
        assert (record['audio_label'], record['frame'], record['num_frames']) == ((1,), k, 5)
        assert (record['clip'], record['category']) == (f's4/val/{category}/{name}', category)
        assert all(Path(path).is_file() for path in (record['img_path'], record['seg_map_path'], audio))


def test_frames_of_multiple_sources(root):
    found = records(root, 'ms3', ['val', 'test'])
    assert [(r['clip'], r['frame']) for r in found] == [
        (f'ms3/{split}/{split}{i}', k) for split in ('val', 'test') for i in range(2) for k in range(5)
    ]
    folder = f'{root}/Multi-sources/ms3_data'
    assert found[7]['img_path'] == f'{folder}/visual_frames/val1/val1.mp4_3.png'
    assert found[7]['seg_map_path'] == f'{folder}/gt_masks/val/val1/val1_3.png'
    assert found[7]['sources'][0]['audio_path'] == f'{folder}/audio_wav/val/val1.wav'
    for r in found:
        assert all(Path(path).is_file() for path in (r['img_path'], r['seg_map_path'], r['sources'][0]['audio_path']))


def test_in_training_single_source_is_annotated_on_its_first_frame(root):
    masks = [r['seg_map_path'] for r in records(root, 's4', 'train')]
    assert [mask is None for mask in masks] == [False, True, True, True, True] * 4
    assert [r['frame'] for r in records(root, 's4', 'train', annotated_only=True)] == [0] * 4
    assert all(r['seg_map_path'] for r in records(root, 'ms3', 'train'))


def test_samples_are_labeled_and_have_their_own_second(root):
    dataset = build(root, 'ms3', 'train', pipeline=PIPELINE)
    for i in range(5):
        sample = dataset[i]
        assert loudest(sample['inputs']['audio'][0].numpy()) == pitch(i)
        label = sample['data_samples'].gt_sem_seg.data[0].numpy()
        expected = np.zeros(SIZE) if i == 2 else object_mask(i + 1, value=1)
        assert np.array_equal(label, expected)
        meta = sample['data_samples'].metainfo
        assert meta['audio_label'] == (() if i == 2 else (1,)), 'nothing sounds in the third second'
        assert (meta['clip'], meta['frame']) == ('ms3/train/train0', i)


def test_frames_without_annotation_are_ignored(root):
    dataset = build(root, 's4', 'train', pipeline=PIPELINE)
    assert set(np.unique(dataset[0]['data_samples'].gt_sem_seg.data)) == {0, 1}
    sample = dataset[3]
    assert (sample['data_samples'].gt_sem_seg.data == 255).all()
    assert sample['data_samples'].gt_sem_seg.data.shape == (1, *SIZE)
    assert sample['data_samples'].metainfo['audio_label'] == (1,)
    assert loudest(sample['inputs']['audio'][0].numpy()) == pitch(3)


def test_metainfo(root):
    for dataset in (build(root), AVSBenchObjectDataset(data_root='nowhere', lazy_init=True)):
        assert dataset.metainfo['classes'] == ('background', 'sounding object')
        assert dataset.metainfo['palette'] == [[0, 0, 0], [213, 94, 0]]


@pytest.mark.parametrize(
    'heads', [('video', 'split', 'kind'), ('split', 'name', 'category'), ('kind', 'split', 'name')]
)
def test_columns_by_name_or_position(root, tmp_path, heads):
    values = dict(name='x', video='x', split='train', category='c', kind='c')
    if heads[0] == 'kind':  # name by its heading, category in the third place: the same column
        values['kind'], values['name'] = 'first', 'x'
    write_rows(tmp_path / S4_TABLE, heads, [[values[h] for h in heads]])
    clip = records(tmp_path)[0]['clip']
    assert clip == ('s4/train/x/x' if heads[0] == 'kind' else 's4/train/c/x')


@pytest.mark.parametrize('mode', ['L', 'RGB', 'RGBA', 'LA', '1', 'P', 'ones'])
def test_masks_of_any_gray_kind(root, tmp_path, mode):
    from PIL import Image

    record = records(root, 's4', 'val')[0]
    record['seg_map_path'] = str(tmp_path / 'mask.png')
    image = Image.fromarray(object_mask(1))
    if mode == 'ones':
        image = Image.fromarray(object_mask(1, value=1))
    elif mode == 'P':
        image.putpalette([v for v in range(256) for _ in range(3)])
    else:
        image = image.convert(mode)
    image.save(record['seg_map_path'])
    label = Compose(PIPELINE)(record)['data_samples'].gt_sem_seg.data[0].numpy()
    assert np.array_equal(label, object_mask(1, value=1))


@pytest.mark.parametrize(
    ('pixels', 'message'),
    [
        (np.full(SIZE, 128, np.uint8), r'values \[128\], which have no class: .*`threshold=128`'),
        (np.full((*SIZE, 3), (255, 0, 0), np.uint8), 'must be gray, but .* has colors'),
        (np.zeros((8, 8), np.uint8), r'differ in size: .*\(32, 48\).*\(8, 8\)'),
    ],
)
def test_bad_masks(root, tmp_path, pixels, message):
    record = records(root, 's4', 'val')[0]
    record['seg_map_path'] = str(tmp_path / 'mask.png')
    write_image(tmp_path / 'mask.png', pixels)
    with pytest.raises(ValueError, match=message):
        Compose(PIPELINE)(record)


def test_threshold_of_gray_masks(root, tmp_path):
    record = records(root, 's4', 'val', threshold=128)[0]
    record['seg_map_path'] = str(tmp_path / 'mask.png')
    write_image(tmp_path / 'mask.png', np.repeat(np.array([[0, 127, 128, 255]], np.uint8), SIZE[0], 0).repeat(12, 1))
    label = Compose(PIPELINE)(record)['data_samples'].gt_sem_seg.data[0].numpy()
    assert np.array_equal(label[0], [0] * 24 + [1] * 24)


def test_a_missing_frame_is_named_with_its_clip(root):
    record = records(root, 'ms3', 'val')[1]
    record['img_path'] += '.gone'
    with pytest.raises(FileNotFoundError, match=r'val0\.mp4_2\.png\.gone \(frame 2 of the 5 of clip ms3/val/val0\)'):
        Compose(PIPELINE)(record)
    record = records(root, 'ms3', 'val')[1]
    record['seg_map_path'] += '.gone'
    with pytest.raises(FileNotFoundError, match=r'mask not found: .*\(frame 2 of the 5 of clip'):
        Compose(PIPELINE)(record)


@pytest.mark.parametrize(
    ('rows', 'message'),
    [
        ([('a', 'c', 'test')], 'has no clip of split train: check `split`'),
        ([('a', 'c')], 'line 2: fewer values than columns'),
        ([('../a', 'c', 'train')], "line 2: name '../a' is not a valid file name"),
        ([('', 'c', 'train')], "line 2: name '' is not a valid"),
        ([('a', '..', 'train')], "line 2: category '..' is not a valid folder name"),
    ],
)
def test_bad_annotation(tmp_path, rows, message):
    write_rows(tmp_path / S4_TABLE, ('name', 'category', 'split'), rows)
    with pytest.raises(AnnotationError, match=message):
        build(tmp_path)


def test_missing_annotation_and_column(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'ms3_meta_data\.csv.*`data_root`'):
        build(tmp_path, 'ms3')
    write_rows(tmp_path / MS3_TABLE, ('name', 'part'), [('a', 'train')])
    with pytest.raises(KeyError, match='has no column split; its columns are name, part'):
        build(tmp_path, 'ms3')


def test_repeated_clips_are_used_once(tmp_path):
    rows = [('a', 'c', 'train'), ('a', 'c', 'train'), ('a', 'd', 'train'), ('a', 'c', 'test')]
    write_rows(tmp_path / S4_TABLE, ('name', 'category', 'split'), rows)
    dataset = build(tmp_path, lazy_init=True)
    errors = []
    dataset.on_annotation_error = errors.append
    assert {r['clip'] for r in dataset.load_data_list()} == {'s4/train/c/a', 's4/train/d/a'}
    assert [(e.kind, e.fatal) for e in errors] == [('repeated', False)]
    assert 'line 3: repeats c/a of line 2' in str(errors[0])


@pytest.mark.parametrize(('kwargs', 'message'), [(dict(subset='s3'), 'subset'), (dict(threshold=0), 'threshold')])
def test_bad_arguments(kwargs, message):
    with pytest.raises(ValueError, match=f'AVSBenchObjectDataset: {message} must'):
        AVSBenchObjectDataset(lazy_init=True, **kwargs)


def test_unknown_splits_are_reported(tmp_path):
    rows = [('a', 'c', 'train'), ('b', 'c', 'Train'), ('c', 'c', '')]
    write_rows(tmp_path / S4_TABLE, ('name', 'category', 'split'), rows)
    dataset = build(tmp_path, lazy_init=True)
    errors = []
    dataset.on_annotation_error = errors.append
    assert {r['clip'] for r in dataset.load_data_list()} == {'s4/train/c/a'}
    assert [(e.kind, e.fatal) for e in errors] == [('unknown split', False)]
    assert "rows with split '', 'Train' are not used; known splits are train, val, test" in str(errors[0])


def test_annotation_that_is_not_in_utf8(tmp_path):
    path = tmp_path / S4_TABLE
    write_rows(path, ('name', 'category', 'split'), [('a', 'Säge', 'train')])
    path.write_bytes(path.read_text(encoding='utf-8').encode('cp1252'))
    with pytest.raises(AnnotationError, match=r's4_meta_data\.csv, line 2: the text is not UTF-8'):
        build(tmp_path)
