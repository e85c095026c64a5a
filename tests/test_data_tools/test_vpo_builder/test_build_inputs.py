import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from vpo_sources import FOLDERS, LABELS, rle, rows_of, samples_of

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


def test_crowds_never_sound_and_are_ignored_beside_their_class(source):
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


def test_persons_are_what_the_captions_say(source):
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
    source.sound('squeak', 'chair squeaking', 'train')
    paths = source.write(test_fraction=0.0, classes=classes)
    build_vpo('ms', **paths)
    rows = rows_of(paths['out'], 'ms')
    assert [(r['cateName'], r['cateId']) for r in rows] == [('seat', '9'), ('tabby', '3')]
    assert rows[0]['vgg_file'] == 'squeak_000030'
    ((_, _, mask),) = samples_of(paths['out'], 'ms')
    assert set(np.unique(np.array(Image.open(mask)))) == {0, 3, 9}
    dataset = VPODataset('ms', data_root=paths['out'], class_file=classes, pipeline=[])
    assert len(dataset) == 1


def test_class_without_category_is_left_out_or_an_error_where_it_is_the_last(source, tmp_path, caplog):
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


def test_class_without_recordings_in_a_split_stays_silent_there(source, caplog):
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
    source.image(1, ('dog', 4, 4, 20, 20)).sounds.append('a,0,no such label,train\n')
    with pytest.raises(ValueError, match='sounds.csv.*label'):
        build_vpo('ss', **source.write())
    source.sounds.append(f'b,0,{LABELS["dog"]},train\n')
    with pytest.raises(ValueError, match='missing; check --sounds'):
        build_vpo('ss', **source.write(out=str(tmp_path / 'second')))
