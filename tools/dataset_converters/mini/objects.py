"""Writes labels of all objects of the mini set, sounding or not, for image-only training."""

import csv
import json
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
from pycocotools import mask as mask_utils

from mmavs.utils.files import place_file

from .scenes import CLASSES, HEIGHT, WIDTH
from .source import complete_folder

ANNOTATION = Path('VPO-MSMI', 'vpo_msmi_data_stereo.csv')  # names the split of every image


def write_objects(out, *, copy_mode='copy'):
    """Writes ``objects/<split>/<id, 12 digits>.jpg`` and ``.png`` of a complete mini set.

    The splits are those of VPO-MSMI, so that no test image is in the training split. A mask has the class index of each
    pixel: 0 for the background, then the classes in alphabetical order.

    Args:
        out (str | Path): Root of the set.
        copy_mode (str): ``'copy'`` or ``'hardlink'``, for the images.
    """
    out = Path(out)
    with open(out / ANNOTATION, encoding='utf-8', newline='') as f:
        splits = {int(row['img_Id']): row['split'] for row in csv.DictReader(f)}
    coco = json.loads((out / 'source' / 'instances.json').read_text(encoding='utf-8'))
    indices = {category['id']: 1 + CLASSES.index(category['name']) for category in coco['categories']}
    annotations = defaultdict(list)
    for annotation in coco['annotations']:
        annotations[annotation['image_id']].append(annotation)
    with complete_folder(out / 'objects') as part:
        for split in sorted(set(splits.values())):
            (part / split).mkdir()
        for image_id, split in splits.items():
            stem = part / split / f'{image_id:012d}'
            place_file(str(out / 'source' / 'images' / f'{stem.name}.jpg'), f'{stem}.jpg', copy_mode)
            cv2.imwrite(f'{stem}.png', draw_label(annotations[image_id], indices))


def draw_label(annotations, indices):
    """The class index of each pixel, uint8 (HEIGHT, WIDTH).

    Args:
        annotations (list[dict]): COCO annotations of an image, which do not overlap.
        indices (dict[int, int]): Class index of each category.
    """
    label = np.zeros((HEIGHT, WIDTH), np.uint8)
    for annotation in annotations:
        label[mask_utils.decode(annotation['segmentation']) > 0] = indices[annotation['category_id']]
    return label
