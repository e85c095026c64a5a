import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask
from vpo_sources import FOLDERS, HEIGHT, LABELS, WIDTH, rle, rows_of, samples_of

from mmavs.data_tools.vpo_builder import build_vpo
from mmavs.datasets import VPODataset


def test_broken_sources_are_listed_and_skipped(varied):
    paths = varied.write(test_fraction=0.3)
    images, sounds = Path(paths['images'][0]), Path(paths['sounds'])
    (images / f'{1:012d}.jpg').unlink()
    whole = (images / f'{4:012d}.jpg').read_bytes()
    (images / f'{4:012d}.jpg').write_bytes(whole[: len(whole) // 2])
    (sounds / 'cat0_000030.wav').unlink()
    (sounds / 'dog1_000030.wav').write_text('<html>')
    manifest = build_vpo('all', **paths)['ss']
    assert [(i, name) for i, name, _ in manifest['notes']['skipped_images']] == [
        (1, f'{1:012d}.jpg'),
        (4, f'{4:012d}.jpg'),
    ]
    assert manifest['notes']['recordings_missing'] == 1
    assert [name for name, _ in manifest['notes']['recordings_unreadable']] == ['dog1_000030']
    assert 'dog1_000030.wav\t' in (Path(paths['out']) / 'VGGSound' / 'unreadable.txt').read_text()
    used = {r[key] for subset in FOLDERS for r in rows_of(paths['out'], subset) for key in ('img_Id', 'vgg_file')}
    assert not used & {f'{1:012d}', f'{4:012d}', 'cat0_000030', 'dog1_000030'}


def test_crowds_have_no_audio_and_are_ignored_beside_their_class(source):
    crowd = {'iscrowd': 1, 'segmentation': rle(40, 0, 60, 20)}
    source.recordings(train=9)
    source.image(1, ('sheep', 0, 0, 10, 10), ('sheep', 12, 0, 25, 10), ('sheep', 40, 0, 60, 20, crowd))
    source.image(2, ('sheep', 0, 0, 10, 10), ('cat', 12, 0, 25, 10), ('sheep', 40, 0, 60, 20, crowd))
    source.image(3, ('cat', 0, 0, 10, 10), ('cat', 0, 20, 10, 30), ('dog', 12, 0, 25, 10, {'iscrowd': 1}))
    out = source.write(test_fraction=0.0)['out']
    build_vpo('all', **source.write(test_fraction=0.0))
    (rows, _, mask), (other, _, other_mask) = samples_of(out, 'msmi')
    assert (rows[0]['img_Id'][-1], other[0]['img_Id'][-1]) == ('1', '3')
    assert {r['ann_Ids'] for r in rows} <= {'1000', '1001'}
    pixels = np.array(Image.open(mask))
    assert (pixels[:20, 40:60] == 255).all()
    assert set(np.unique(pixels)) == {0, 20, 255}
    assert set(np.unique(np.array(Image.open(other_mask)))) == {0, 17}  # the crowd of silent dogs is background
    single = list(samples_of(out, 'ss'))
    assert [rows[0]['img_Id'][-1] + rows[0]['cateName'] for rows, _, _ in single] == ['2cat']
    assert rows_of(out, 'ms') == []


def test_captions_decide_the_class_of_persons(source):
    box, second = ('person', 0, 0, 20, 20), ('person', 30, 0, 50, 20)
    source.recordings()
    source.image(1, box, captions=['A woman sits.']).image(2, box, captions=['A man and a woman sit.'])
    source.image(3, box, second, captions=['Two men sit.']).image(4, box, second, captions=['A man sits.'])
    source.image(5, box, second, ('dog', 0, 30, 20, 40), captions=['People and two men, a dog'])
    paths = source.write(test_fraction=0.0)
    build_vpo('all', **paths)
    assert [(int(r['img_Id']), r['cateName']) for r in rows_of(paths['out'], 'ss')] == [(1, 'female'), (5, 'dog')]
    assert {(int(r['img_Id']), r['cateName']) for r in rows_of(paths['out'], 'msmi')} == {
        (1, 'female'),
        (3, 'male'),
        (5, 'dog'),
    }


def test_without_captions_the_classes_that_need_them_are_left_out(source, caplog):
    source.recordings().image(1, ('person', 0, 0, 20, 20), ('dog', 30, 0, 50, 20), captions=['A woman with a dog'])
    paths = source.write(test_fraction=0.0)
    build_vpo('ss', **{**paths, 'captions': ()})
    assert [r['cateName'] for r in rows_of(paths['out'], 'ss')] == ['dog']
    assert 'female' in caplog.text
    assert '--captions' in caplog.text


def custom_classes(tmp_path, content):
    path = tmp_path / 'classes.yaml'
    path.write_text(content)
    return str(path)


def test_custom_class_file(source, tmp_path):
    classes = custom_classes(
        tmp_path,
        'classes: [{name: seat, coco: chair, mask_id: 9, sounds: [chair squeaking]}, '
        '{name: tabby, coco: cat, mask_id: 3, sounds: [cat meowing]}]',
    )
    source.recordings(['cat']).image(1, ('chair', 4, 4, 20, 20), ('cat', 30, 10, 50, 30), ('dog', 1, 1, 9, 9))
    source.recording('squeak', 'chair squeaking', 'train')
    paths = source.write(test_fraction=0.0, classes=classes)
    build_vpo('ms', **paths)
    rows = rows_of(paths['out'], 'ms')
    assert [(r['cateName'], r['cateId']) for r in rows] == [('seat', '9'), ('tabby', '3')]
    assert rows[0]['vgg_file'] == 'squeak_000030'
    ((_, _, mask),) = samples_of(paths['out'], 'ms')
    assert set(np.unique(np.array(Image.open(mask)))) == {0, 3, 9}
    dataset = VPODataset('ms', data_root=paths['out'], class_file=classes, pipeline=[])
    assert len(dataset) == 1


def test_class_without_category_is_left_out_and_an_error_if_it_is_the_only_one(source, tmp_path, caplog):
    source.recordings().image(1, ('dog', 4, 4, 20, 20))
    dragon = '{name: dragon, coco: dragon, mask_id: 9, sounds: [dog barking]}'
    dog = '{name: dog, coco: dog, mask_id: 8, sounds: [dog barking]}'
    both = custom_classes(tmp_path, f'classes: [{dragon}, {dog}]')
    manifest = build_vpo('ss', **source.write(classes=both))['ss']
    assert manifest['notes']['classes_without_category'] == ['dragon']
    assert 'dragon' in caplog.text
    alone = custom_classes(tmp_path / 'images', f'classes: [{dragon}]')
    with pytest.raises(ValueError, match='instances.json.*dragon.*coco'):
        build_vpo('ss', **source.write(classes=alone, out=str(tmp_path / 'second')))


def test_classes_that_share_a_category_need_captions(source, tmp_path):
    classes = custom_classes(
        tmp_path,
        'classes: [{name: a, coco: dog, mask_id: 1, sounds: [x]}, {name: b, coco: dog, mask_id: 2, sounds: [y]}]',
    )
    with pytest.raises(ValueError, match='classes.yaml.*captions'):
        build_vpo('ss', **source.recordings().write(classes=classes))


def test_class_without_recordings_in_a_split_has_no_samples_there(source, caplog):
    source.recordings(['dog']).recordings(['cat'], test=0)
    for i in range(1, 41):
        source.image(i, ('dog', 4, 4, 20, 20), ('cat', 30, 4, 50, 20))
    manifest = build_vpo('ss', **source.write(test_fraction=0.5))['ss']
    assert set(manifest['counts']['test']['classes']) == {'dog'}
    assert set(manifest['counts']['train']['classes']) == {'dog', 'cat'}
    assert manifest['notes']['recordings']['test']['cat'] == 0
    assert 'cat' in caplog.text


@pytest.mark.parametrize(
    'options, message',
    [
        ({'images': []}, '--images'),
        ({'captions': ['a', 'b']}, '--captions'),
        ({'splits': ['training']}, 'training'),
        ({'splits': ['val']}, '--val-fraction'),
        ({'test_fraction': 1.0}, '--test-fraction'),
        ({'min_area': -1.0}, '--min-area'),
        ({'max_sources': 0}, '--max-sources'),
        ({'workers': 0}, '--workers'),
        ({'copy_mode': 'move'}, '--copy-mode'),
    ],
)
def test_wrong_options_are_named(source, options, message):
    with pytest.raises(ValueError, match=message):
        build_vpo('ss', **{**source.write(), **options})


@pytest.mark.parametrize('key', ['instances', 'images', 'captions', 'sounds_csv', 'sounds', 'classes'])
def test_missing_inputs_are_named(source, key):
    paths = source.write(classes=None)
    paths[key] = ['no/such'] if isinstance(paths[key], list) else 'no/such'
    with pytest.raises(FileNotFoundError, match='no/such'):
        build_vpo('ss', **paths)
    assert not os.path.exists(paths['out'])


def test_unusable_recordings_stop_the_build(source, tmp_path):
    source.image(1, ('dog', 4, 4, 20, 20)).recording_rows.append('a,0,no such label,train\n')
    with pytest.raises(ValueError, match='sounds.csv.*label'):
        build_vpo('ss', **source.write())
    source.recording_rows.append(f'b,0,{LABELS["dog"]},train\n')
    with pytest.raises(ValueError, match='missing; check --sounds'):
        build_vpo('ss', **source.write(out=str(tmp_path / 'second')))


def four_images(source):
    for i in range(1, 5):
        source.image(i, ('dog', 4, 4, 20, 20), ('cat', 30, 4, 50, 20))
    return source.recordings(['dog', 'cat'])


def urls(source):
    for entry in source.images:
        entry['file_name'] = f'http://images.org/{entry["file_name"]}'


def other_sizes(source):
    for entry in source.images:
        entry['width'] += 1


def two_points(source):
    for entry in source.annotations:
        entry['segmentation'] = [[1, 2, 3, 4]]


NOTHING_USABLE = {
    'file_name': (urls, r'4 images: URL instead of a file name \(for example .*images/http://images.org/0+1.jpg\)'),
    'size': (other_sizes, r'4 images: size differs from the annotation \(for example .*0+1.jpg: 64 x 48, annotated 65'),
    'polygons': (two_points, r'8 annotations: polygon with fewer than three points \(for example annotation 1000 of'),
    'ids': (lambda s: [e.update(image_id=99) for e in s.annotations], '8 annotations: the image is not in the file'),
    'area': (None, r'(?s)8 annotations: smaller than --min-area.*remedies: lower --min-area'),
}


@pytest.mark.parametrize('case', NOTHING_USABLE)
@pytest.mark.parametrize('out_exists', [True, False])
def test_nothing_usable_is_an_error_with_reasons_and_leaves_no_files(source, case, out_exists):
    change, message = NOTHING_USABLE[case]
    paths = four_images(source).write()
    if change is not None:
        change(source)
        paths = source.write()
    if out_exists:
        os.makedirs(paths['out'])
    with pytest.raises(ValueError, match=r'the inputs give no sample of VPO-SS, VPO-MS, VPO-MSMI\n') as error:
        build_vpo('all', **paths, min_area=0.005 if change else 0.9)
    assert re.search(message, str(error.value)), str(error.value)
    assert os.path.exists(paths['out']) == out_exists and not (out_exists and os.listdir(paths['out']))


def test_no_sample_of_one_subset_is_an_error_for_it_alone(source):
    paths = four_images(source).write(test_fraction=0.0)
    with pytest.raises(ValueError, match='(?s)no sample of VPO-MS.*4 images have objects .*another subset'):
        build_vpo('ms', **paths, min_candidates=3)
    assert len(build_vpo('all', **paths, min_candidates=3)) == 3


def test_dropped_annotations_and_images_are_counted_on_screen_and_in_the_manifest(source, caplog):
    """Corrupt counts and coordinates that are not finite crash pycocotools, or fill its memory."""
    four_images(source)
    shape = coco_mask.encode(np.ones((HEIGHT, WIDTH), np.uint8, order='F'))
    bad = {
        'RLE counts do not decode to height x width pixels': {'size': [HEIGHT, WIDTH], 'counts': str(shape['counts'])},
        'NaN or infinite coordinate': [[0, 0, 9, 9, float('nan'), 9]],
        'no segmentation': None,
    }
    for number, segmentation in enumerate(bad.values(), 10):
        source.image(number, ('dog', 4, 4, 20, 20), ('sheep', 0, 0, 1, 1, {'segmentation': segmentation}))
        source.image(number + 10, ('dog', 4, 4, 20, 20))
        (source.root / 'images' / f'{number + 10:012d}.jpg').unlink()
    manifest = build_vpo('ss', **source.write(test_fraction=0.0, workers=2))['ss']
    notes = manifest['notes']
    assert {reason: found['count'] for reason, found in notes['annotations_by_reason'].items()} == dict.fromkeys(bad, 1)
    assert notes['images_by_reason'] == {
        'missing': {'count': 3, 'example': str(source.root / 'images' / f'{20:012d}.jpg')}
    }
    assert manifest['counts']['train']['samples'] == 7
    for reason in (*bad, 'missing'):
        assert f' x {reason} (for example ' in caplog.text


def test_object_with_the_id_of_another_one_is_counted(source):
    """It stays an instance: the image has two dogs and is no sample of VPO-SS."""
    source.recordings(['dog']).image(1, ('dog', 4, 4, 20, 20), ('dog', 30, 4, 50, 20, {'id': 1000}))
    source.image(2, ('dog', 4, 4, 20, 20))
    paths = source.write(test_fraction=0.0)
    manifest = build_vpo('ss', **paths)['ss']
    assert manifest['notes']['annotations_by_reason']['id of another annotation of the image']['count'] == 1
    assert [int(r['img_Id']) for r in rows_of(paths['out'], 'ss')] == [2]


def test_misspelled_label_names_the_nearest_one_of_the_list(source, tmp_path, caplog):
    source.recordings(['dog', 'cat']).image(1, ('dog', 4, 4, 20, 20), ('cat', 30, 4, 50, 20))
    cat = '{name: cat, coco: cat, mask_id: 3, sounds: [cat meowing]}'
    dog = '{name: dog, coco: dog, mask_id: 8, sounds: [dog barkin]}'
    paths = source.write(test_fraction=0.0)
    build_vpo('ss', **paths, classes=custom_classes(tmp_path, f'classes: [{cat}, {dog}]'))
    assert "no recording has the label 'dog barkin'; did you mean 'dog barking'?" in caplog.text
    alone = custom_classes(tmp_path / 'images', f'classes: [{dog}]')
    with pytest.raises(ValueError, match="sounds.csv.*'dog barkin'; did you mean 'dog barking'"):
        build_vpo('ss', **{**paths, 'out': str(tmp_path / 'second')}, classes=alone)
    assert not (tmp_path / 'second').exists()


def write_gap(source):
    """One recording of a dog, silent in the middle 4 of its 10 s, and three others."""
    tone = np.sin(np.arange(8000 * 10) / 7) / 2
    tone[8000 * 3 : 8000 * 7] = 0.25
    source.recording('gap', LABELS['dog'], 'train', tone)
    source.recordings(['cat'], train=3)
    return source.image(1, ('dog', 4, 4, 20, 20)).image(2, ('cat', 4, 4, 20, 20)).write(test_fraction=0.0)


def test_recordings_silent_in_their_middle_are_used_and_counted(source, caplog):
    paths = write_gap(source)
    notes = build_vpo('ss', **paths)['ss']['notes']
    assert notes['recordings_silent'] == ['gap_000030'] and notes['recordings_by_reason'] == {}
    message = r'1 recordings are silent in their middle 3 s, .* \(for example gap_000030\.wav\)\. They are used; --'
    assert re.search(message, caplog.text)
    assert {r['vgg_file'] for r in rows_of(paths['out'], 'ss') if r['cateName'] == 'dog'} == {'gap_000030'}


def test_recordings_silent_in_their_middle_are_left_out_on_request(source, caplog):
    paths = write_gap(source)
    manifest = build_vpo('ss', **paths, skip_silent=True)['ss']
    notes = manifest['notes']
    assert notes['recordings_by_reason'] == {'silent in the middle 3 s': {'count': 1, 'example': 'gap_000030.wav'}}
    assert notes['recordings_silent'] == [] and manifest['options']['skip_silent'] is True
    assert '1 x silent in the middle 3 s' in caplog.text
    assert {r['cateName'] for r in rows_of(paths['out'], 'ss')} == {'cat'}
