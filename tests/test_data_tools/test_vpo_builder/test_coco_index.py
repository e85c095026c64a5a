import json

import numpy as np
import pytest
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from vpo_sources import HEIGHT, WIDTH, polygon, rle

from mmavs.data_tools.vpo_builder.caption_rule import CaptionRule
from mmavs.data_tools.vpo_builder.coco_index import load_captions, load_instances
from mmavs.data_tools.vpo_builder.masks import draw_mask, drawing_order, rasterize
from mmavs.datasets.metainfo.vpo_classes import load_class_table


def load(path, wanted=('cat', 'dog')):
    return load_instances(str(path), images_dir='pictures', wanted=wanted)


def test_only_wanted_objects_and_their_images_are_kept(source):
    source.image(1, ('cat', 0, 0, 8, 8), ('chair', 9, 9, 20, 20)).image(2, ('chair', 0, 0, 8, 8)).image(3)
    source.image(4, ('dog', 1, 2, 9, 9, {'iscrowd': 1, 'segmentation': rle(1, 2, 9, 9)}), ('cat', 0, 0, 5, 5))
    images, categories, dropped = load(source.write()['instances'][0])
    assert not dropped
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
        mine = coco_mask.decode(rasterize(a.segmentation, height=HEIGHT, width=WIDTH))
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


def test_captions_are_read_for_known_images_only(source):
    source.image(1, ('person', 0, 0, 9, 9), captions=['a woman', 'in a hat']).image(2, captions=['a man'])
    paths = source.write()
    images, *_ = load(paths['instances'][0], wanted=['person'])
    rule = CaptionRule(load_class_table())
    load_captions(paths['captions'][0], images=images, rule=rule)
    assert images[1].caption_bits == rule.read('a woman in a hat') != 0


@pytest.mark.parametrize(
    'content, message',
    [
        ('{"images": [], "annotations": []}', "no list 'categories'"),
        ('{"images": [], "annotations": []', r'not valid JSON: .* character 32 of 32: the file is truncated'),
        ('{"images": [], "annotations": [], "categories": []', 'not valid JSON: .*truncated'),
        ('{"images": [],\n "annotations": [,], "categories": []}', r'not valid JSON: .* in line 2, column 18'),
        (
            '{"images": [], "annotations": [], "categories": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]}',
            "'a' and 'b' have the same id 1",
        ),
        ('{"annotations": [], "categories": []}', "no list 'images'"),
        ('{"images": [], "categories": []}', "no list 'annotations'"),
        ('{"images": [], "annotations": [{"image_id": 1, "id": 1, "caption": "a"}], "categories": []}', 'category_id'),
        ('{"images": [{"id": "a", "file_name": "b"}], "annotations": [], "categories": []}', 'must be an integer'),
        ('{"images": [{"id": 1, "file_name": "b"}], "annotations": [], "categories": []}', 'height'),
        ('{"images": [{"file_name": "b"}], "annotations": [], "categories": []}', "'id'"),
        ('[]', 'categories'),
    ],
)
def test_errors_name_the_file_and_what_is_missing(tmp_path, content, message):
    path = tmp_path / 'broken.json'
    path.write_text(content)
    with pytest.raises(ValueError, match='broken.json.*' + message):
        load(path)


def test_instances_given_as_captions_are_refused(source):
    path = source.image(1, ('cat', 0, 0, 9, 9)).write()['instances'][0]
    with pytest.raises(ValueError, match='--captions'):
        load_captions(path, images={}, rule=CaptionRule(load_class_table()))


IMAGE = {'id': 7, 'file_name': 'a.jpg', 'height': HEIGHT, 'width': WIDTH}
OBJECT = {'id': 5, 'image_id': 7, 'category_id': 1, 'segmentation': polygon(0, 0, 4, 4)}


def write_file(tmp_path, annotations=(OBJECT,), images=(IMAGE,), name='cat'):
    content = {'images': images, 'annotations': annotations, 'categories': [{'id': 1, 'name': name}]}
    (tmp_path / 'made.json').write_text(json.dumps(content))
    return tmp_path / 'made.json'


FLAT = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
FORMS = {
    'is a flat list': FLAT,
    r'has points as pairs \[x, y\]': [[1, 2], [3, 4], [5, 6]],
    r'has points as pairs \[x, y\](?#)': [[[1, 2], [3, 4], [5, 6]]],
    'has parts that are not lists': ['1,2,3,4,5,6'],
    'is of type str': '1,2,3,4,5,6',
    'has coordinates that are not numbers': [['1', '2', '3', '4', '5', '6']],
    r'is an RLE with the size \[4\]': {'size': [4], 'counts': [16]},
    'is an RLE with counts of type NoneType': {'size': [HEIGHT, WIDTH], 'counts': None},
    'is an RLE with counts that are not numbers': {'size': [HEIGHT, WIDTH], 'counts': ['9']},
}


@pytest.mark.parametrize('problem', FORMS)
def test_segmentation_of_another_form_names_annotation_and_form(tmp_path, problem):
    path = write_file(tmp_path, [{**OBJECT, 'segmentation': FORMS[problem]}])
    message = rf'made.json: .* annotation 5 \(image 7\) {problem}; it must be a list of polygons .* or an RLE'
    with pytest.raises(ValueError, match=message):
        load(path)


@pytest.mark.parametrize(
    ('entry', 'message'),
    [
        ({**OBJECT, 'id': None}, r'an annotation \(image_id 7\) has the id None; it must be an integer'),
        ({k: v for k, v in OBJECT.items() if k != 'id'}, r"an annotation \(image_id 7\) has no 'id'"),
        ({**OBJECT, 'category_id': [1]}, r'an annotation \(id 5, image_id 7\) has the category_id \[1\]'),
        ({**OBJECT, 'image_id': '7'}, r"an annotation \(id 5\) has the image_id '7'"),
        ({'id': 5, 'image_id': 7}, r"entry 0 of 'annotations' \(id 5\) needs 'image_id' and 'category_id'"),
    ],
)
def test_malformed_annotations_are_named(tmp_path, entry, message):
    with pytest.raises(ValueError, match='made.json: ' + message):
        load(write_file(tmp_path, [entry]))


@pytest.mark.parametrize(
    ('images', 'message'),
    [
        ([{k: v for k, v in IMAGE.items() if k != 'width'}], r"an image \(id 7, file_name 'a.jpg'\) has no 'width'"),
        ([{**IMAGE, 'height': '9'}], r"an image \(id 7, file_name 'a.jpg'\) has the height '9'"),
        ([{**IMAGE, 'height': 0}], f'image 7 has the file name .a.jpg. and the size {WIDTH} x 0'),
        ([{**IMAGE, 'file_name': None}], 'image 7 has the file name None'),
        ([IMAGE, {**IMAGE, 'file_name': 'b.jpg'}], 'two images have the id 7: pictures/a.jpg and pictures/b.jpg'),
    ],
)
def test_malformed_images_are_named(tmp_path, images, message):
    with pytest.raises(ValueError, match='made.json: ' + message):
        load(write_file(tmp_path, images=images))


def damaged_counts():
    """A Python bytes literal as text, as some exporters write it."""
    counts = coco_mask.encode(np.tri(HEIGHT, WIDTH, dtype=np.uint8).copy(order='F'))['counts']
    return {'size': [HEIGHT, WIDTH], 'counts': str(counts)}


UNUSABLE = {
    'no segmentation': [],
    'polygon with fewer than three points': [[1, 2, 3, 4]],
    'polygon with an odd number of coordinates': [[1, 2, 3, 4, 5, 6, 7]],
    'NaN or infinite coordinate': [[1, 2, 3, float('nan'), 5, 6]],
    'coordinate beyond 65,536 pixels': [[1, 2, 3, 4, 5, 1e9]],
    'RLE counts do not decode to height x width pixels': damaged_counts(),
    'size of the RLE differs from that of the image': {'size': [2, 2], 'counts': [1, 3]},
}


@pytest.mark.parametrize('reason', UNUSABLE)
def test_unusable_segmentations_are_counted_and_stay_instances(tmp_path, reason):
    bad = [{**OBJECT, 'id': i, 'segmentation': UNUSABLE[reason]} for i in (8, 9)]
    images, _, dropped = load(write_file(tmp_path, [OBJECT, *bad]))
    assert list(dropped) == [(reason, 2, 'annotation 8 of image 7')]
    assert [(a.id, a.segmentation is None) for a in images[7].annotations] == [(5, False), (8, True), (9, True)]


@pytest.mark.parametrize('segmentation', [None, {}, [[1, 2, 3, float('inf'), 5, 6]], [[1, 2, 3, 10**400, 5, 6]]])
def test_empty_and_infinite_segmentations_are_unusable(tmp_path, segmentation):
    images, _, dropped = load(write_file(tmp_path, [{**OBJECT, 'segmentation': segmentation}]))
    assert len(dropped) == 1 and images[7].annotations[0].segmentation is None


def test_repeated_ids_and_absent_images_are_counted(tmp_path):
    other = {**OBJECT, 'segmentation': polygon(5, 5, 9, 9)}
    elsewhere = {**OBJECT, 'image_id': 99}
    images, _, dropped = load(write_file(tmp_path, [OBJECT, OBJECT, other, elsewhere]))
    assert dropped.as_dict() == {
        'listed twice': {'count': 1, 'example': 'annotation 5 of image 7'},
        'id of another annotation of the image': {'count': 1, 'example': 'annotation 5 of image 7'},
        'the image is not in the file': {'count': 1, 'example': 'annotation 5 of image 99'},
    }
    assert [a.segmentation is None for a in images[7].annotations] == [False, True]


def test_category_names_may_differ_in_case(tmp_path):
    images, categories, _ = load(write_file(tmp_path, name='Cat'))
    assert images[7].annotations[0].category == 'cat' and categories == ['cat']
