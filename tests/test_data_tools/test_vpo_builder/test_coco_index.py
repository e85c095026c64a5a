import json

import numpy as np
import pytest
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from vpo_sources import HEIGHT, WIDTH, polygon, rle

from mmavs.data_tools.vpo_builder.caption_rule import CaptionRule
from mmavs.data_tools.vpo_builder.coco_index import load_captions, load_instances
from mmavs.data_tools.vpo_builder.masks import draw_mask, drawing_order, rasterise
from mmavs.datasets.metainfo.vpo_classes import load_class_table


def load(path, wanted=('cat', 'dog')):
    return load_instances(str(path), images_dir='pictures', wanted=wanted)


def test_only_wanted_objects_and_their_images_are_kept(source):
    source.image(1, ('cat', 0, 0, 8, 8), ('chair', 9, 9, 20, 20)).image(2, ('chair', 0, 0, 8, 8)).image(3)
    source.image(4, ('dog', 1, 2, 9, 9, {'iscrowd': 1, 'segmentation': rle(1, 2, 9, 9)}), ('cat', 0, 0, 5, 5))
    images, categories = load(source.write()['instances'][0])
    assert list(images) == [1, 4]
    assert [(a.id, a.category, a.crowd) for a in images[4].annotations] == [(1003, 'dog', True), (1004, 'cat', False)]
    assert (images[1].path, images[1].height, images[1].width) == ('pictures/000000000001.jpg', HEIGHT, WIDTH)
    assert {'person', 'chair'} < set(categories)


def test_masks_are_those_of_pycocotools(source):
    rng = np.random.default_rng(3)
    compressed = coco_mask.encode(np.asfortranarray(rng.integers(0, 2, (HEIGHT, WIDTH), np.uint8)))
    compressed['counts'] = compressed['counts'].decode()
    shapes = [[(rng.random(16) * 47).round(2).tolist()] for _ in range(20)]
    shapes += [[(rng.random(6) * 40).tolist(), (rng.random(10) * 40).tolist()], rle(3, 4, 20, 30), compressed]
    source.image(1, *(('cat', 0, 0, 1, 1, {'segmentation': s}) for s in shapes))
    path = source.write()['instances'][0]
    reference = COCO(path)
    annotations = load(path)[0][1].annotations
    assert len(annotations) == len(shapes)
    for a in annotations:
        mine = coco_mask.decode(rasterise(a.segmentation, height=HEIGHT, width=WIDTH))
        np.testing.assert_array_equal(mine, reference.annToMask(reference.anns[a.id]))


def test_smaller_masks_lie_on_top(source):
    source.image(
        1,
        ('cat', 10, 10, 14, 14),
        ('dog', 8, 8, 40, 40),
        ('cat', 12, 12, 30, 30, {'segmentation': rle(12, 12, 30, 30)}),
        ('cat', 0, 0, 1, 1),
    )
    shapes = {a.id: a.segmentation for a in load(source.write()['instances'][0])[0][1].annotations}
    order = drawing_order({1000: 16, 1001: 1024, 1002: 324, 1003: 16})
    assert order == [1001, 1002, 1000, 1003]
    mask = draw_mask([(i - 990, shapes[i]) for i in order], height=HEIGHT, width=WIDTH)
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[8:40, 8:40] = 11
    expected[12:30, 12:30] = 12
    expected[10:14, 10:14] = 10
    expected[0, 0] = 13
    np.testing.assert_array_equal(mask, expected)
    assert mask.dtype == np.uint8


def test_degenerate_annotations_are_empty_masks(source):
    source.image(1, *(('cat', 0, 0, 1, 1, {'segmentation': s}) for s in ([], None, [[1, 2, 3, 4]])))
    for a in load(source.write()['instances'][0])[0][1].annotations:
        assert coco_mask.area(rasterise(a.segmentation, height=HEIGHT, width=WIDTH)) == 0


def test_rle_of_another_size_is_an_error():
    shape = coco_mask.encode(np.ones((4, 5), np.uint8, order='F'))
    with pytest.raises(ValueError, match='size'):
        rasterise(shape, height=5, width=4)


def test_captions_are_read_for_known_images_only(source):
    source.image(1, ('person', 0, 0, 9, 9), captions=['a woman', 'in a hat']).image(2, captions=['a man'])
    paths = source.write()
    images, _ = load(paths['instances'][0], wanted=['person'])
    rule = CaptionRule(load_class_table())
    load_captions(paths['captions'][0], images=images, rule=rule)
    assert images[1].said == rule.read('a woman in a hat') != 0


@pytest.mark.parametrize(
    'content, message',
    [
        ('{"images": [], "annotations": []', 'categories'),
        ('{"images": [], "annotations": [], "categories": []', 'not valid JSON'),
        ('{"annotations": [], "categories": []}', "no list 'images'"),
        ('{"images": [], "categories": []}', "no list 'annotations'"),
        ('{"images": [], "annotations": [{"image_id": 1, "id": 1, "caption": "a"}], "categories": []}', 'category_id'),
        ('{"images": [{"id": "a", "file_name": "b"}], "annotations": [], "categories": []}', 'whole number'),
        ('{"images": [{"id": 1, "file_name": "b"}], "annotations": [], "categories": []}', 'height'),
        ('{"images": [{"file_name": "b"}], "annotations": [], "categories": []}', "'id'"),
        ('[]', 'categories'),
    ],
)
def test_errors_name_the_file_and_what_it_lacks(tmp_path, content, message):
    path = tmp_path / 'broken.json'
    path.write_text(content)
    with pytest.raises(ValueError, match='broken.json.*' + message):
        load(path)


def test_instances_given_as_captions_are_refused(source):
    path = source.image(1, ('cat', 0, 0, 9, 9)).write()['instances'][0]
    with pytest.raises(ValueError, match='--captions'):
        load_captions(path, images={}, rule=CaptionRule(load_class_table()))


def test_malformed_segmentation_is_named(tmp_path):
    path = tmp_path / 'flat.json'
    annotation = {'id': 1, 'image_id': 1, 'category_id': 1, 'segmentation': [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]}
    path.write_text(json.dumps({'images': [], 'annotations': [annotation], 'categories': [{'id': 1, 'name': 'cat'}]}))
    with pytest.raises(ValueError, match='flat.json'):
        load(path)
    annotation['segmentation'] = polygon(0, 0, 4, 4)
    path.write_text(json.dumps({'images': [], 'annotations': [annotation], 'categories': [{'id': 1, 'name': 'cat'}]}))
    assert load(path)[0] == {}  # its image is not listed
