import json
import shutil
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO
from vpo_sources import FOLDERS, HEIGHT, WIDTH, SourceSet, rows_of, samples_of, tree

from mmavs.data_tools.vpo_builder import build_vpo
from mmavs.datasets import VPODataset
from mmavs.datasets.metainfo.vpo_classes import load_class_table

MASK_IDS = {c.name: c.mask_id for c in load_class_table().classes}


def test_files_have_the_layout_and_masks_the_sounding_objects(built):
    _, paths = built
    coco = COCO(paths['instances'][0])
    for subset in FOLDERS:
        assert rows_of(paths['out'], subset)
        for rows, image, mask in samples_of(paths['out'], subset):
            anns = [coco.anns[int(r['ann_Ids'])] for r in rows]
            areas = {a['id']: int(coco.annToMask(a).sum()) for a in anns}
            expected = np.zeros((HEIGHT, WIDTH), np.uint8)
            for a, row in sorted(zip(anns, rows, strict=True), key=lambda x: (-areas[x[0]['id']], x[0]['id'])):
                expected[coco.annToMask(a) > 0] = MASK_IDS[row['cateName']]
                assert int(row['cateId']) == MASK_IDS[row['cateName']]
                columns = np.nonzero(coco.annToMask(a))[1]
                assert float(row['audio_pos']) == pytest.approx((columns + 0.5).mean() / WIDTH, abs=1e-6)
                assert (Path(paths['out']) / 'VGGSound' / 'audios' / f'{row["vgg_file"]}.wav').is_file()
            with Image.open(mask) as found:
                assert found.mode == 'L'
                np.testing.assert_array_equal(np.array(found), expected)
            assert image.read_bytes() == (Path(paths['images'][0]) / image.name).read_bytes()


def test_rules_of_the_subsets_hold(built):
    _, paths = built
    for subset in ('ms', 'msmi'):
        for rows, _, _ in samples_of(paths['out'], subset):
            names = [r['cateName'] for r in rows]
            assert len(names) <= 5
            assert len({r['vgg_file'] for r in rows}) == len(rows)
            if rows[0]['multi_instance'] == '0':
                assert len(set(names)) == len(names)
    assert all(len(rows) == 1 for rows, _, _ in samples_of(paths['out'], 'ss'))
    shared = [r for r in rows_of(paths['out'], 'msmi') if r['multi_instance'] == '0']
    assert shared == rows_of(paths['out'], 'ms')
    assert len(shared) < len(rows_of(paths['out'], 'msmi'))


def test_splits_share_no_image_and_no_recording(built):
    _, paths = built
    listed = {line.split(',')[0] + '_000030': line.strip().split(',')[-1] for line in open(paths['sounds_csv'])}
    splits = defaultdict(set)
    for subset in FOLDERS:
        for row in rows_of(paths['out'], subset):
            splits[row['img_Id']].add(row['split'])
            splits[row['vgg_file']].add(row['split'])
            assert (listed[row['vgg_file']] == 'test') == (row['split'] == 'test')
    assert all(len(s) == 1 for s in splits.values())
    assert set.union(*splits.values()) == {'train', 'val', 'test'}


def test_manifest_and_statistics_count_the_rows(built):
    manifests, paths = built
    for subset, folder in FOLDERS.items():
        root = Path(paths['out']) / folder
        manifest = json.loads((root / 'manifest.json').read_text())
        assert manifest == json.loads(json.dumps(manifests[subset]))
        rows = rows_of(paths['out'], subset)
        train = [r for r in rows if r['split'] == 'train']
        assert manifest['counts']['train']['samples'] == len({r['img_Id'] for r in train})
        assert manifest['counts']['train']['masks'] == len(train)
        sheep = manifest['counts']['train']['classes']['sheep']
        assert sheep['masks'] == sum(r['cateName'] == 'sheep' for r in train)
        assert sheep['images'] == len({r['img_Id'] for r in train if r['cateName'] == 'sheep'})
        assert str(paths['out']) not in (root / 'manifest.json').read_text()
        assert '| sheep' in (root / 'statistics.md').read_text()


def test_dataset_class_reads_every_sample(built):
    manifests, paths = built
    for subset in FOLDERS:
        for split in ('train', 'val', 'test'):
            dataset = VPODataset(subset, split, data_root=paths['out'], pipeline=[])
            assert len(dataset) == manifests[subset]['counts'][split]['samples']


def test_number_of_workers_does_not_matter(varied):
    paths = varied.write(test_fraction=0.3)
    build_vpo('all', **{**paths, 'workers': 3})
    several = tree(paths['out'])
    shutil.rmtree(paths['out'])
    build_vpo('all', **paths)
    assert tree(paths['out']) == several


def test_another_seed_gives_another_set(varied, tmp_path):
    paths = varied.write()
    build_vpo('ms', **paths)
    build_vpo('ms', **{**paths, 'seed': 1, 'out': str(tmp_path / 'second')})
    assert rows_of(paths['out'], 'ms') != rows_of(tmp_path / 'second', 'ms')


def test_msmi_includes_ms_and_agrees_with_it(varied, tmp_path):
    paths = varied.write()
    build_vpo('all', **paths)
    everything = tree(paths['out'])
    second = {**paths, 'out': str(tmp_path / 'second')}
    build_vpo('msmi', **second)
    assert {k: v for k, v in everything.items() if k.startswith('VPO-M')} == {
        k: v for k, v in tree(second['out']).items() if k.startswith('VPO-M')
    }


def test_parts_with_fixed_splits(tmp_path):
    first = SourceSet(tmp_path / 'a').recordings()
    second = SourceSet(tmp_path / 'b')
    for i in range(1, 11):
        first.image(i, ('dog', 4, 4, 20, 20))
        second.image(100 + i, ('dog', 4, 4, 20, 20))
    a, b = first.write(), second.write()
    both = {key: a[key] + b[key] for key in ('instances', 'images', 'captions')}
    build_vpo('ss', **{**a, **both}, splits=['auto', 'test'], test_fraction=0.0)
    splits = {int(r['img_Id']): r['split'] for r in rows_of(a['out'], 'ss')}
    assert splits == {i: 'train' if i <= 10 else 'test' for i in (*range(1, 11), *range(101, 111))}
    twice = {key: a[key] * 2 for key in both}
    with pytest.raises(ValueError, match='image id'):
        build_vpo('ss', **{**a, **twice, 'out': str(tmp_path / 'c')})


def test_other_image_formats_become_jpeg(source):
    source.recordings(['dog']).image(1, ('dog', 4, 4, 20, 20), suffix='png')
    paths = source.write(test_fraction=0.0)
    build_vpo('ss', **paths)
    ((_, image, _),) = samples_of(paths['out'], 'ss')
    with Image.open(image) as placed:
        assert (placed.format, placed.size) == ('JPEG', (WIDTH, HEIGHT))


@pytest.mark.parametrize('mode', ['hardlink', 'symlink'])
def test_links_instead_of_copies(varied, mode):
    paths = varied.write()
    build_vpo('ss', **paths, copy_mode=mode)
    for _, image, _ in samples_of(paths['out'], 'ss'):
        assert image.samefile(Path(paths['images'][0]) / image.name)
    linked = tree(paths['out'])
    shutil.rmtree(paths['out'])
    build_vpo('ss', **paths)
    assert tree(paths['out']) == linked
