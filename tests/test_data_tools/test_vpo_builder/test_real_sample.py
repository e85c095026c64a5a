"""The builder on real images and recordings: properties of any build."""

import csv
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image
from pycocotools.coco import COCO

from mmavs.data_tools.vpo_builder import build_vpo
from mmavs.datasets.metainfo.vpo_classes import load_class_table

FOLDERS = {'ss': 'VPO-SS', 'ms': 'VPO-MS', 'msmi': 'VPO-MSMI'}


@pytest.fixture(scope='module')
def built(real_sample_dir, tmp_path_factory):
    out = tmp_path_factory.mktemp('real')
    annotations = real_sample_dir / 'coco' / 'annotations'
    manifests = build_vpo(
        'all',
        instances=[str(annotations / 'instances_train2017.json')],
        captions=[str(annotations / 'captions_train2017.json')],
        images=[str(real_sample_dir / 'coco' / 'train2017')],
        sounds_csv=str(real_sample_dir / 'vggsound' / 'vggsound.csv'),
        sounds=str(real_sample_dir / 'vggsound' / 'audios'),
        out=str(out),
        test_fraction=0.2,
        workers=1,
    )
    return manifests, out, COCO(str(annotations / 'instances_train2017.json'))


def rows_of(out, subset):
    with open(out / FOLDERS[subset] / f'vpo_{subset}_data_stereo.csv', newline='') as f:
        return list(csv.DictReader(f))


def test_samples_are_found(built):
    manifests, out, _ = built
    assert manifests['ss']['counts']
    assert manifests['msmi']['counts']
    assert not manifests['ss']['notes']['skipped_images']


def test_every_row_has_an_object_and_a_recording_of_its_class(built, real_sample_dir):
    _, out, coco = built
    table = {c.name: c for c in load_class_table().classes}
    with open(real_sample_dir / 'vggsound' / 'vggsound.csv', newline='') as f:
        label_of = {f'{r[0]}_{int(r[1]):06d}': (r[2], r[3]) for r in csv.reader(f) if r[1].isdigit()}
    for subset in FOLDERS:
        for row in rows_of(out, subset):
            ann = coco.anns[int(row['ann_Ids'])]
            entry = table[row['cateName']]
            assert ann['image_id'] == int(row['img_Id'])
            assert not ann['iscrowd']
            assert coco.cats[ann['category_id']]['name'] == entry.coco
            label, split = label_of[row['vgg_file']]
            assert label in entry.sounds
            assert split == row['split']
            columns = np.nonzero(coco.annToMask(ann))[1]
            assert float(row['audio_pos']) == pytest.approx(
                (columns + 0.5).mean() / coco.imgs[ann['image_id']]['width'], abs=1e-6
            )
            data, _ = soundfile.read(out / 'VGGSound' / 'audios' / f'{row["vgg_file"]}.wav')
            assert len(data)


def test_masks_show_the_sounding_objects_only(built):
    _, out, coco = built
    for subset in FOLDERS:
        samples = defaultdict(list)
        for row in rows_of(out, subset):
            samples[row['img_Id']].append(row)
        for image_id, rows in samples.items():
            root = out / FOLDERS['ms' if subset == 'msmi' and rows[0]['multi_instance'] == '0' else subset]
            name = f'{rows[0]["cateName"]}/{image_id}_{int(rows[0]["ann_Ids"]):012d}' if subset == 'ss' else image_id
            mask = np.array(Image.open(root / 'mask' / f'{name}.png'))
            union = np.zeros(mask.shape, bool)
            for row in rows:
                shape = coco.annToMask(coco.anns[int(row['ann_Ids'])]).astype(bool)
                assert (mask[shape] == int(row['cateId'])).any()
                union |= shape
            np.testing.assert_array_equal((mask > 0) & (mask < 255), union)


def test_splits_are_disjoint_and_samples_follow_the_rules(built):
    _, out, coco = built
    splits = defaultdict(set)
    for subset in FOLDERS:
        images = defaultdict(list)
        for row in rows_of(out, subset):
            splits[row['img_Id']].add(row['split'])
            splits[row['vgg_file']].add(row['split'])
            images[row['img_Id']].append(row)
        for image_id, rows in images.items():
            assert len({r['vgg_file'] for r in rows}) == len(rows) <= (1 if subset == 'ss' else 5)
            objects = [coco.anns[a]['category_id'] for a in coco.getAnnIds(imgIds=int(image_id))]
            if rows[0]['multi_instance'] == '0':
                plain = [r for r in rows if r['cateName'] not in ('male', 'female', 'baby')]
                assert all(objects.count(coco.anns[int(r['ann_Ids'])]['category_id']) == 1 for r in plain)
    assert all(len(s) == 1 for s in splits.values())


def test_manifest_names_no_folder_of_this_machine(built, real_sample_dir):
    _, out, _ = built
    for folder in FOLDERS.values():
        text = (out / folder / 'manifest.json').read_text()
        assert str(out) not in text
        assert str(Path(real_sample_dir).resolve()) not in text
        assert json.loads(text)['options']['seed'] == 0
