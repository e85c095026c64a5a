import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from avsbench_tree import (
    FRAMES,
    SIZE,
    classes_in,
    pitch,
    semantic_mask,
    write_image,
    write_label_file,
    write_rows,
    write_semantic,
)

from mmavs.datasets import AVSBenchSemanticDataset
from mmavs.datasets.avseg_dataset import AnnotationError
from mmavs.datasets.metainfo.avsbench_classes import NUM_CLASSES, default_classes, read_label_file
from mmavs.datasets.metainfo.distinct_palette import distinct_palette
from mmavs.datasets.metainfo.palette import bit_interleaved_palette

PIPELINE = [
    dict(type='LoadFrame'),
    dict(type='LoadAudio', duration=1.0, channels=1),
    dict(type='LoadAVAnnotations'),
    dict(type='RandomCrop', crop_size=(4, 4)),  # the sounding classes are those of the complete mask
    dict(type='PackAVSegInputs'),
]
WHOLE = [step for step in PIPELINE if step['type'] != 'RandomCrop']


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return write_semantic(tmp_path_factory.mktemp('avss'))


@pytest.fixture
def own(root, tmp_path):
    """A copy for tests that change files."""
    return shutil.copytree(root, tmp_path / 'own')


def build(root, *args, **kwargs):
    return AVSBenchSemanticDataset(*args, data_root=str(root), **kwargs)


def records(*args, **kwargs):
    dataset = build(*args, **kwargs)
    return [dataset.get_data_info(i) for i in range(len(dataset))]


def label_of(sample):
    return sample['data_samples'].gt_sem_seg.data[0].numpy()


@pytest.mark.parametrize('subsets', ['v1s', 'v1m', 'v2', ('v1s', 'v2'), ('v1s', 'v1m', 'v2')])
def test_frames_of_each_part(root, subsets):
    parts = [subsets] if isinstance(subsets, str) else subsets
    found = records(root, subsets, 'test')
    assert [(r['clip'], r['frame'], r['num_frames']) for r in found] == [
        (f'{part}/{part}test0', k, FRAMES[part]) for part in parts for k in range(FRAMES[part])
    ]
    for r in found:
        folder = f'{root}/{r["clip"]}'
        assert r['img_path'] == f'{folder}/frames/{r["frame"]}.jpg'
        assert r['seg_map_path'] == r['audio_label_path'] == f'{folder}/labels_semantic/{r["frame"]}.png'
        (source,) = r['sources']
        assert source == dict(audio_path=f'{folder}/audio.wav', position=0.5, label=None, start=float(r['frame']))
        assert all(Path(path).is_file() for path in (r['img_path'], r['seg_map_path'], source['audio_path']))


def test_all_parts_by_default(root):
    assert len(build(root)) == 20


@pytest.mark.parametrize('labels', ['labels_semantic', 'labels_rgb'])
def test_samples_of_either_label_folder(root, labels):
    dataset = build(root, 'v2', 'train', labels=labels, pipeline=WHOLE)
    for i in range(10):
        sample = dataset[i]
        assert np.array_equal(label_of(sample), semantic_mask('v2train0', i))
        assert sample['data_samples'].metainfo['audio_label'] == classes_in('v2train0', i)
        spectrum = np.abs(np.fft.rfft(sample['inputs']['audio'][0].numpy()))
        assert spectrum.argmax() == pitch(i)


def test_color_masks_are_read_if_there_are_no_index_masks(tmp_path):
    root = write_semantic(tmp_path, folders=['labels_rgb'])
    sample = build(root, 'v1m', 'val', pipeline=WHOLE)[1]
    assert np.array_equal(label_of(sample), semantic_mask('v1mval0', 1))
    shutil.copytree(root / 'v2' / 'v2val0' / 'labels_rgb', root / 'v2' / 'v2val0' / 'labels_semantic')
    chosen = {r['clip']: Path(r['seg_map_path']).parent.name for r in records(root, ('v1m', 'v2'), 'val')}
    assert chosen == {'v1m/v1mval0': 'labels_rgb', 'v2/v2val0': 'labels_semantic'}


def test_audio_label_is_that_of_the_complete_mask(root):
    dataset = build(root, 'v2', 'train', pipeline=PIPELINE)
    for i in range(10):
        assert dataset[i]['data_samples'].metainfo['audio_label'] == classes_in('v2train0', i)


def test_audio_label_of_frames_without_annotation(root):
    dataset = build(root, 'v1s', 'train', pipeline=WHOLE)
    assert [r['seg_map_path'] is None for r in map(dataset.get_data_info, range(5))] == [False] + [True] * 4
    for i in range(5):
        sample = dataset[i]
        assert sample['data_samples'].metainfo['audio_label'] == classes_in('v1strain0', 0)
        if i:
            assert np.array_equal(label_of(sample), np.full(SIZE, 255))
    assert len(build(root, 'v1s', 'train', annotated_only=True)) == 1
    assert len(build(root, 'v1s', 'val', annotated_only=True)) == 5


def test_binary_targets(root):
    dataset = build(root, 'v2', 'train', binary=True, pipeline=WHOLE)
    assert dataset.metainfo['classes'] == ('background', 'sounding object')
    assert len(dataset.metainfo['palette']) == 2
    sample = dataset[1]
    assert np.array_equal(label_of(sample), semantic_mask('v2train0', 1) > 0)
    assert sample['data_samples'].metainfo['audio_label'] == (1,)


def test_some_of_the_classes(root):
    names = ['background', default_classes()[60]]
    sample = build(root, 'v2', 'train', metainfo=dict(classes=names), pipeline=WHOLE)[1]
    mask = semantic_mask('v2train0', 1)
    expected = np.select([mask == 0, mask == 60], [0, 1], 255)
    assert np.array_equal(label_of(sample), expected)
    assert sample['data_samples'].metainfo['audio_label'] == (1,)
    with pytest.raises(ValueError, match=r"has \['unicorn'\], which .*label2idx\.json does not define"):
        build(root, metainfo=dict(classes=['background', 'unicorn']))


def test_frames_that_count_from_one(tmp_path):
    root = write_semantic(tmp_path, first=1)
    found = records(root, 'v1m', 'test')
    assert [Path(r['img_path']).name for r in found] == [f'{k}.jpg' for k in range(1, 6)]
    assert [r['sources'][0]['start'] for r in found] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert all(Path(r['seg_map_path']).is_file() for r in found)


def test_missing_first_frame_does_not_change_the_numbering(own):
    (own / 'v1m' / 'v1mtest0' / 'frames' / '0.jpg').unlink()
    dataset = build(own, 'v1m', 'test', pipeline=WHOLE)
    with pytest.raises(FileNotFoundError, match=r'frames/0\.jpg \(frame 1 of the 5 of clip v1m/v1mtest0\)'):
        dataset[0]


def test_the_label_file_of_the_set_counts(own):
    names = ['background', *(f'thing {i}' for i in range(1, 71))]
    write_label_file(own, names)
    assert build(own).metainfo['classes'] == tuple(names)


def test_default_classes():
    names = default_classes()
    assert len(names) == len(set(names)) == NUM_CLASSES == 71
    assert names[0] == 'background' and list(names[1:]) == sorted(names[1:])
    dataset = AVSBenchSemanticDataset(data_root='nowhere', lazy_init=True)
    assert dataset.metainfo['classes'] == names
    assert dataset.metainfo['palette'] == distinct_palette(71)


def test_missing_label_file(own):
    (own / 'label2idx.json').unlink()
    with pytest.raises(FileNotFoundError, match=r'label2idx\.json.*`data_root`'):
        build(own)


def label_file(change):
    content = {name: index for index, name in enumerate(default_classes())}
    change(content)
    return json.dumps(content)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('{', 'not valid JSON'),
        ('[1, 2]', 'must map the name of each class'),
        (label_file(lambda c: c.update(woman='70')), 'must map the name of each class'),
        (label_file(lambda c: c.pop('woman')), r'must have 71 classes .*it has 70, and differs in the indices \[70\]'),
        (label_file(lambda c: c.update(wolf=70)), r'it has 71, and differs in the indices \[69\]'),
        (label_file(lambda c: c.update(dingo=70)), 'it has 72 with an index twice'),
        (label_file(lambda c: c.update(background=1, accordion=0)), "index 0 to background, not to 'accordion'"),
    ],
)
def test_bad_label_file(own, text, message):
    (own / 'label2idx.json').write_text(text)
    with pytest.raises(ValueError, match=rf'label2idx\.json .*{message}'):
        build(own)
    with pytest.raises(ValueError, match=message):
        read_label_file(own / 'label2idx.json')


def test_label_above_70(own):
    mask = np.full(SIZE, 71, np.uint8)
    write_image(own / 'v2' / 'v2val0' / 'labels_semantic' / '3.png', mask)
    dataset = build(own, 'v2', 'val', pipeline=WHOLE)
    with pytest.raises(ValueError, match=r'3\.png has the values \[71\].*label2idx\.json have the values 0 to 70'):
        dataset[3]


def test_ignored_pixels(own):
    mask = semantic_mask('v2val0', 3)
    mask[0] = 255
    write_image(own / 'v2' / 'v2val0' / 'labels_semantic' / '3.png', mask)
    sample = build(own, 'v2', 'val', pipeline=WHOLE)[3]
    assert np.array_equal(label_of(sample), mask)
    assert sample['data_samples'].metainfo['audio_label'] == classes_in('v2val0', 3)


def test_colors_not_in_the_palette(own):
    pixels = np.zeros((*SIZE, 3), np.uint8)
    pixels[0, 0], pixels[1, 1] = (1, 2, 3), (130, 0, 0)
    write_image(own / 'v2' / 'v2val0' / 'labels_rgb' / '3.png', pixels)
    dataset = build(own, 'v2', 'val', labels='labels_rgb', pipeline=WHOLE)
    with pytest.raises(ValueError, match=r'3\.png has the colors \(RGB\) \[1, 2, 3\], \[130, 0, 0\], which are not'):
        dataset[3]
    pixels[0, 0] = pixels[1, 1] = bit_interleaved_palette(100)[99]  # of the palette, but of no class
    write_image(own / 'v2' / 'v2val0' / 'labels_rgb' / '3.png', pixels)
    with pytest.raises(ValueError, match=r'has the values \[99\]'):
        dataset[3]
    write_image(own / 'v2' / 'v2val0' / 'labels_rgb' / '3.png', np.zeros(SIZE, np.uint8))
    assert not label_of(dataset[3]).any()  # gray is a color, too


def test_audio_that_ends_before_the_frame(own):
    import soundfile
    from avsbench_tree import write_recording

    path = own / 'v1m' / 'v1mval0' / 'audio.wav'
    write_recording(path, 4.7)
    dataset = build(own, 'v1m', 'val', pipeline=WHOLE)
    audio = dataset[4]['inputs']['audio'][0]
    assert audio[:11000].any() and not audio[11200:].any()
    write_recording(path, 3.2)
    assert soundfile.info(path).duration == 3.2
    with pytest.raises(OSError, match=r'v1mval0/audio\.wav has 3\.200 s, but the sample needs seconds 4 to 5'):
        dataset[4]
    assert dataset[2]['inputs']['audio'].shape == (1, 16000)


@pytest.mark.parametrize(
    ('row', 'message'),
    [
        (('a', 'x', 'v3', 'train'), "line 2: label 'v3' is not one of v1s, v1m, v2"),
        (('a/b', 'x', 'v2', 'train'), "line 2: uid 'a/b' is not a valid"),
        (('a', 'x', 'v1s', 'train'), 'has no clip of split train'),
    ],
)
def test_bad_annotation(own, row, message):
    write_rows(own / 'metadata.csv', ('uid', 'a_obj', 'label', 'split'), [row])
    with pytest.raises(AnnotationError, match=message):
        build(own, ('v1m', 'v2'))


@pytest.mark.parametrize('number', [0, 1.5])
def test_bad_min_class_pixels(number):
    with pytest.raises(ValueError, match=f'min_class_pixels must be an integer of at least 1, got {number}'):
        AVSBenchSemanticDataset(lazy_init=True, min_class_pixels=number)


@pytest.mark.parametrize('binary', [False, True])
def test_stray_pixels_of_a_class_do_not_sound(tmp_path, binary):
    root = write_semantic(tmp_path)
    mask = np.zeros(SIZE, np.uint8)
    mask[:4, :5], mask[10, :19] = 7, 9
    for path in root.glob('v1m/*/labels_semantic/0.png'):
        write_image(path, mask)
    pipeline, sounding = [dict(type='LoadFrame'), dict(type='LoadAVAnnotations')], {}
    for least in (1, 19, 20, 21):
        dataset = build(root, 'v1m', pipeline=pipeline, min_class_pixels=least, binary=binary)
        sample = dataset[0]
        np.testing.assert_array_equal(sample['gt_seg_map'], mask > 0 if binary else mask)
        assert dataset.get_cat_ids(0) == list(sample['audio_label'])
        sounding[least] = sample['audio_label']
    truth = {1: (1,), 19: (1,), 20: (1,), 21: (1,)} if binary else {1: (7, 9), 19: (7, 9), 20: (7,), 21: ()}
    assert sounding == truth


@pytest.mark.parametrize('kwargs', [dict(subsets='v3'), dict(subsets=()), dict(labels='rgb')])
def test_bad_arguments(kwargs):
    (name,) = kwargs
    with pytest.raises(ValueError, match=f'AVSBenchSemanticDataset: {name} takes'):
        AVSBenchSemanticDataset(lazy_init=True, **kwargs)
    with pytest.raises(ValueError, match='binary=True defines the classes'):
        AVSBenchSemanticDataset(lazy_init=True, binary=True, metainfo=dict(classes=('a', 'b')))
