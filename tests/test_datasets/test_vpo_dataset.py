from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import vpo_tree
from vpo_tree import csv_path, read_rows, write_rows

from mmavs.datasets import VPODataset, avseg_dataset
from mmavs.datasets.metainfo.distinct_palette import distinct_palette
from mmavs.datasets.metainfo.vpo_classes import load_class_table

NAMES = load_class_table().names


def build(root, *args, **kwargs):
    return VPODataset(*args, data_root=str(root), **kwargs)


def records(*args, **kwargs):
    dataset = build(*args, **kwargs)
    return [dataset.get_data_info(i) for i in range(len(dataset))]


def row(image=7, name='cat', *, position=0.5, split='train', multi=0, ann=70, audio='xyz_000030'):
    return dict(
        img_Id=image,
        ann_Ids=ann,
        cateId=0,
        cateName=name,
        vgg_file=audio,
        audio_pos=position,
        multi_instance=multi,
        split=split,
    )


def tree_of(root, subset, *rows):
    csv_path(root, subset).parent.mkdir(parents=True)
    write_rows(csv_path(root, subset), list(rows))
    return root


@pytest.mark.parametrize('subset', ['ss', 'ms', 'msmi'])
@pytest.mark.parametrize('split', ['train', 'val', 'test', ('test', 'val')])
def test_samples_of_the_tree(vpo_root, subset, split):
    """Against an independent grouping of the CSV's rows by image."""
    splits = {split} if isinstance(split, str) else set(split)
    wanted = {}
    for r in read_rows(csv_path(vpo_root, subset)):
        if r['split'] in splits:
            source = (
                f'{vpo_root}/VGGSound/audios/{r["vgg_file"]}.wav',
                float(r['audio_pos']),
                NAMES.index(r['cateName']),
            )
            wanted.setdefault(int(r['img_Id']), []).append(source)
    found = {int(Path(r['img_path']).stem): r for r in records(vpo_root, subset, split)}
    assert set(found) == set(wanted)
    for image, sources in wanted.items():
        record = found[image]
        assert [(s['audio_path'], s['position'], s['label']) for s in record['sources']] == sources
        assert record['audio_label'] == tuple(sorted({label for _, _, label in sources}))
        for path in (record['img_path'], record['seg_map_path'], *(s[0] for s in sources)):
            assert Path(path).is_file()


def test_default_subset_and_split(vpo_root):
    dataset = build(vpo_root)
    assert (dataset.subset, dataset.splits) == ('msmi', ('train',))
    assert len(dataset) == 6  # 3 of MS and 3 of its own


def test_paths_of_single_source(tmp_path):
    tree_of(tmp_path, 'ss', row(139, 'cell phone', ann=22412))
    (record,) = records(tmp_path, 'ss')
    assert record['img_path'] == f'{tmp_path}/VPO-SS/data/cell phone/000000000139.jpg'
    assert record['seg_map_path'] == f'{tmp_path}/VPO-SS/mask/cell phone/000000000139_000000022412.png'


def test_ids_that_already_have_twelve_digits(tmp_path):
    tree_of(tmp_path, 'ss', row('000000000139', ann='000000022412'))
    (record,) = records(tmp_path, 'ss')
    assert record['seg_map_path'].endswith('cat/000000000139_000000022412.png')


def test_rows_of_single_source_are_never_grouped(tmp_path):
    """One image, once with each of two objects and once with another recording: three samples."""
    tree_of(tmp_path, 'ss', row(ann=1), row(ann=2), row(ann=2, audio='other_000000'))
    assert [len(r['sources']) for r in records(tmp_path, 'ss')] == [1, 1, 1]


@pytest.mark.parametrize('value', ['0', '', 'False', '0.0', '1'])
def test_multiple_sources_are_under_their_own_folder(tmp_path, value):
    tree_of(tmp_path, 'ms', row(multi=value))
    (record,) = records(tmp_path, 'ms')
    assert record['img_path'] == f'{tmp_path}/VPO-MS/data/000000000007.jpg'
    assert record['seg_map_path'] == f'{tmp_path}/VPO-MS/mask/000000000007.png'


@pytest.mark.parametrize(
    ('value', 'folder'),
    [(0, 'VPO-MS'), ('0.0', 'VPO-MS'), (1, 'VPO-MSMI'), ('1.0', 'VPO-MSMI'), (True, 'VPO-MSMI'), (False, 'VPO-MS')],
)
def test_path_rule_of_multi_instance(tmp_path, value, folder):
    tree_of(tmp_path, 'msmi', row(multi=value))
    (record,) = records(tmp_path, 'msmi')
    assert record['img_path'] == f'{tmp_path}/{folder}/data/000000000007.jpg'
    assert record['seg_map_path'] == f'{tmp_path}/{folder}/mask/000000000007.png'


def test_rows_of_an_image_need_not_be_neighbors(tmp_path):
    tree_of(tmp_path, 'ms', row(1, 'cat'), row(2, 'dog'), row(1, 'dog'), row(1, 'cat'))
    first, second = records(tmp_path, 'ms')
    assert [s['label'] for s in first['sources']] == [6, 9, 6]
    assert first['audio_label'] == (6, 9)
    assert second['audio_label'] == (9,)


def test_multi_instance_filter(vpo_root):
    numbers = Counter(Path(r['img_path']).parts[-3] for r in records(vpo_root, 'msmi'))
    assert numbers == {'VPO-MS': 3, 'VPO-MSMI': 3}
    for wanted, folder in ((True, 'VPO-MSMI'), (False, 'VPO-MS')):
        found = records(vpo_root, 'msmi', multi_instance=wanted)
        assert {Path(r['img_path']).parts[-3] for r in found} == {folder}
        assert {r['multi_instance'] for r in found} == {wanted}
        assert len(found) == 3


def test_ms_needs_no_column_multi_instance(tmp_path):
    without = row()
    del without['multi_instance']
    tree_of(tmp_path, 'ms', without)
    assert len(build(tmp_path, 'ms')) == 1


def test_byte_order_mark(tmp_path):
    """Spreadsheet programs write one before the first column."""
    tree_of(tmp_path, 'ms', row())
    path = csv_path(tmp_path, 'ms')
    path.write_text(path.read_text(), encoding='utf-8-sig')
    assert len(build(tmp_path, 'ms')) == 1


def test_audio_dir(tmp_path):
    tree_of(tmp_path, 'ms', row())
    assert records(tmp_path, 'ms', audio_dir='a16k')[0]['sources'][0]['audio_path'] == f'{tmp_path}/a16k/xyz_000030.wav'
    assert records(tmp_path, 'ms', audio_dir='/else')[0]['sources'][0]['audio_path'] == '/else/xyz_000030.wav'


def test_metainfo_and_label_table(vpo_root):
    dataset = build(vpo_root, 'ms')
    assert dataset.metainfo['classes'] == NAMES
    assert dataset.metainfo['palette'] == distinct_palette(22)
    table = dataset.label_table
    assert [table[v] for v in load_class_table().mask_ids] == list(range(22))
    assert table[255] == 255
    assert np.sum(table == 254) == 256 - 22 - 1


def test_some_classes(tmp_path):
    """Pixels and audio labels of other classes are ignored."""
    tree_of(tmp_path, 'ms', row(1, 'cat'), row(1, 'dog'), row(2, 'zebra'))
    dataset = build(tmp_path, 'ms', metainfo=dict(classes=('background', 'dog', 'cat')))
    assert dataset.metainfo['palette'] == [distinct_palette(22)[i] for i in (0, 9, 6)]
    assert {v: int(dataset.label_table[v]) for v in (0, 17, 18, 24, 255)} == {0: 0, 17: 2, 18: 1, 24: 255, 255: 255}
    assert dataset.label_table[99] == 254  # belongs to no class at all
    first, second = (dataset.get_data_info(i) for i in range(2))
    assert [s['label'] for s in first['sources']] == [2, 1]
    assert first['audio_label'] == (1, 2)
    assert [s['label'] for s in second['sources']] == [255]
    assert second['audio_label'] == ()


def test_own_class_file(tmp_path):
    path = tmp_path / 'animals.yaml'
    path.write_text(
        'classes:\n- {name: yak, coco: cow, mask_id: 99, sounds: [yak]}\n'
        '- {name: cat, coco: cat, mask_id: 17, sounds: [cat meowing]}\n'
    )
    tree_of(tmp_path, 'ms', row(1, 'cat'), row(1, 'yak'))
    dataset = build(tmp_path, 'ms', class_file=str(path))
    assert dataset.metainfo['classes'] == ('background', 'yak', 'cat')
    assert dataset.metainfo['palette'] == distinct_palette(3)
    assert {v: int(dataset.label_table[v]) for v in (0, 17, 99, 18)} == {0: 0, 17: 2, 99: 1, 18: 254}
    assert [s['label'] for s in dataset.get_data_info(0)['sources']] == [2, 1]

    some = build(tmp_path, 'ms', class_file=str(path), metainfo=dict(classes=['background', 'cat']))
    assert [s['label'] for s in some.get_data_info(0)['sources']] == [1, 255]
    assert some.metainfo['palette'] == [distinct_palette(3)[i] for i in (0, 2)]
    assert VPODataset.METAINFO['classes'] == NAMES


def test_unknown_subset():
    with pytest.raises(ValueError, match="subset must be one of ss, ms, msmi, got 'mm'"):
        VPODataset('mm')


def test_missing_csv(tmp_path):
    with pytest.raises(FileNotFoundError, match='vpo_ss_data_stereo.csv.*data_root.*VPO-SS'):
        build(tmp_path, 'ss')


@pytest.mark.parametrize(
    'column', ['img_Id', 'ann_Ids', 'cateName', 'vgg_file', 'audio_pos', 'split', 'multi_instance']
)
def test_missing_column(tmp_path, column):
    content = row()
    del content[column]
    tree_of(tmp_path, 'msmi', content)
    with pytest.raises(KeyError, match=f'vpo_msmi_data_stereo.csv has no column {column}; its columns are '):
        build(tmp_path, 'msmi')


def test_empty_csv(tmp_path):
    tree_of(tmp_path, 'ms', row())
    csv_path(tmp_path, 'ms').write_text('')
    with pytest.raises(KeyError, match='has no column img_Id, .*its columns are none'):
        build(tmp_path, 'ms')


def test_incomplete_row(tmp_path):
    tree_of(tmp_path, 'ms', row(), row())
    path = csv_path(tmp_path, 'ms')
    path.write_text(path.read_text() + '8,80,0,cat\n')
    with pytest.raises(ValueError, match=r'vpo_ms_data_stereo\.csv, line 4: fewer values'):
        build(tmp_path, 'ms')


def test_unknown_class_in_csv(tmp_path):
    tree_of(tmp_path, 'ms', row(), row(name='unicorn'))
    with pytest.raises(ValueError, match=r"line 3: class 'unicorn' is not in .*vpo_classes.yaml\. .*set `class_file`"):
        build(tmp_path, 'ms')


@pytest.mark.parametrize('position', [-0.1, 1.2, 'left', '', 'nan'])
def test_bad_position(tmp_path, position):
    tree_of(tmp_path, 'ms', row(), row(position=position))
    with pytest.raises(ValueError, match=rf"line 3: audio_pos must lie in \[0, 1\], got '{position}'"):
        build(tmp_path, 'ms')


def test_too_many_values(tmp_path):
    tree_of(tmp_path, 'ms', row(), row())
    path = csv_path(tmp_path, 'ms')
    path.write_text(path.read_text() + '8,80,0,cat,xyz_000030,0.5,0,train,and more\n')
    with pytest.raises(ValueError, match=r'vpo_ms_data_stereo\.csv, line 4: more values than columns'):
        build(tmp_path, 'ms')


@pytest.mark.parametrize('column', ['img_Id', 'ann_Ids', 'cateName', 'vgg_file', 'split'])
def test_empty_value(tmp_path, column):
    """A row without `img_Id` would add its audio to image 000000000000."""
    tree_of(tmp_path, 'ms', row(), {**row(ann=71), column: ''})
    with pytest.raises(ValueError, match=rf'vpo_ms_data_stereo\.csv, line 3: no value of {column}: fill it in'):
        build(tmp_path, 'ms')


def test_csv_that_is_not_in_utf8(tmp_path):
    tree_of(tmp_path, 'ms', row(), row(audio='Säge_000030'))
    path = csv_path(tmp_path, 'ms')
    path.write_bytes(path.read_text(encoding='utf-8').encode('cp1252'))
    with pytest.raises(ValueError, match=r'vpo_ms_data_stereo\.csv, line 3: the text is not UTF-8; save the file as'):
        build(tmp_path, 'ms')


@pytest.fixture
def warnings(monkeypatch):
    """The warnings of a dataset."""
    lines = []
    monkeypatch.setattr(avseg_dataset, 'print_log', lambda message, *_: lines.append(message))
    return lines


def test_unknown_splits_are_warned_of(tmp_path, warnings):
    tree_of(
        tmp_path,
        'ms',
        row(),
        *(row(i, split=s, audio=str(i)) for i, s in enumerate(('Train', 'train ', 'test', 'val'))),
    )
    assert len(build(tmp_path, 'ms')) == 1
    (warning,) = warnings
    assert "csv: rows with split 'Train', 'train ' are not used; known splits are train, val, test" in warning
    build(tmp_path, 'ms', ['train', 'Train', 'train '])
    assert len(warnings) == 1


def test_all_errors_can_be_collected(tmp_path):
    tree_of(tmp_path, 'ms', row(), row(8, position=2), row(9, 'unicorn'), row(10))
    dataset, found = build(tmp_path, 'ms', lazy_init=True), []
    dataset.on_annotation_error = found.append
    assert [Path(r['img_path']).stem[-2:] for r in dataset.load_data_list()] == ['07', '10']
    assert [(e.kind, e.fatal) for e in found] == [
        ('bad position', True),
        ('unknown class', True),
    ]


def test_folders_with_blanks_and_letters_of_any_alphabet(tmp_path):
    root = vpo_tree.write_vpo_tree(tmp_path / 'Daten säge 音 ' / 'my VPO', num_images=3)
    assert Path(records(root, 'ms')[0]['img_path']).is_file()
    pipeline = [dict(type='LoadFrame'), dict(type='LoadAudio', duration=0.1), dict(type='LoadAVAnnotations')]
    sample = build(root, 'ms', pipeline=pipeline)[0]
    assert sample['img'].shape[:2] == sample['gt_seg_map'].shape
    assert sample['audio'].abs().max() > 0


def test_split_without_samples(vpo_root):
    with pytest.raises(ValueError, match='no sample of split validate or dev: check `split`'):
        build(vpo_root, 'ms', ['validate', 'dev'])
    with pytest.raises(ValueError, match='no sample of split train with multi_instance 1'):
        build(vpo_root, 'ss', multi_instance=True)


def test_build_without_val_has_a_remedy(tmp_path):
    root = vpo_tree.write_vpo_tree(tmp_path / 'VPO', num_images=3)
    for table in root.rglob('*.csv'):
        table.write_text(table.read_text().replace(',val', ',test'))
    with pytest.raises(ValueError, match='no sample of split val: .*build_vpo.py --val-fraction 0.1'):
        build(root, 'ms', 'val')


def test_class_missing_in_the_class_file(vpo_root):
    with pytest.raises(ValueError, match=r"has \['unicorn'\], which .*vpo_classes.yaml does not define\. It defines"):
        build(vpo_root, metainfo=dict(classes=('background', 'unicorn')))


def test_tree_is_a_function_of_the_seed(tmp_path, vpo_root):
    again = vpo_tree.write_vpo_tree(tmp_path / 'again')
    for path in vpo_root.rglob('*.*'):
        assert (again / path.relative_to(vpo_root)).read_bytes() == path.read_bytes()
    other = vpo_tree.write_vpo_tree(tmp_path / 'other', seed=1)
    assert csv_path(other, 'ms').read_text() != csv_path(vpo_root, 'ms').read_text()
