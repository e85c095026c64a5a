"""A tiny VPO of the released layout: noise images, rectangles for objects, tones for recordings."""

import csv
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import soundfile

from mmavs.datasets.metainfo.vpo_classes import SoundingClass, load_class_table

SPLITS = ('train', 'val', 'test', 'train')
# (name, Hz, seconds, channels)
RECORDINGS = (
    ('aaaaaaaaaaa_000010', 44100, 4.0, 2),
    ('bbbbbbbbbbb_000020', 48000, 3.1, 1),
    ('ccccccccccc_000030', 16000, 3.5, 2),
    ('ddddddddddd_000040', 22050, 1.0, 1),
    ('eeeeeeeeeee_000050', 8000, 2.3, 2),
)
IGNORED = 255


class Box(NamedTuple):
    """An object: rows top to bottom (exclusive), columns left to right (exclusive)."""

    sounding: SoundingClass
    top: int
    bottom: int
    left: int
    right: int


def write_vpo_tree(root: str | Path, *, num_images: int = 6, size: tuple[int, int] = (48, 64), seed: int = 0) -> Path:
    """Writes VPO-SS, VPO-MS, VPO-MSMI and their recordings.

    SS has one object and one source per image. MS has two classes and two sources per image. MSMI lists the images of
    MS again (``multi_instance`` 0, files under VPO-MS) and as many of its own, with two instances of one class. Each
    subset has the splits train, val, test, train, train, val, ... in this order. The top row of every mask is ignored.

    Args:
        root: The folder that becomes ``data_root``.
        num_images: Images of SS, of MS, and of those that only MSMI has; at least 3, so that each split has one.
        size: (height, width) of every image.
        seed: Of the noise, the positions and the classes.

    Returns:
        Path: ``root``.
    """
    root, rng = Path(root), np.random.default_rng(seed)
    classes = load_class_table().classes
    first, second = (rng.permutation(len(classes)) for _ in range(2))
    _write_recordings(root / 'VGGSound' / 'audios', rng)
    rows: dict[str, list[dict]] = {'ss': [], 'ms': [], 'msmi': []}
    for i in range(num_images):
        a, b = classes[first[i % len(classes)]], classes[second[i % len(classes)]]
        if a is b:
            b = classes[second[(i + 1) % len(classes)]]
        split = SPLITS[i % len(SPLITS)]
        rows['ss'] += _write_sample(root, 'ss', 1000 + i, _left_and_right(size, rng, a), split, size, rng)
        rows['ms'] += _write_sample(root, 'ms', 2000 + i, _left_and_right(size, rng, a, b), split, size, rng)
        rows['msmi'] += _write_sample(root, 'msmi', 3000 + i, _left_and_right(size, rng, a, a), split, size, rng)
    rows['msmi'] = rows['ms'] + rows['msmi']
    for subset, content in rows.items():
        write_rows(csv_path(root, subset), content)
    return root


def csv_path(root: Path, subset: str) -> Path:
    """The annotation file of a subset."""
    return root / f'VPO-{subset.upper()}' / f'vpo_{subset}_data_stereo.csv'


def read_rows(path: Path) -> list[dict]:
    """The rows of an annotation file."""
    with open(path, newline='', encoding='utf-8') as f:
        return list(csv.DictReader(f))


def write_rows(path: Path, rows: list[dict]) -> None:
    """Writes an annotation file with the columns of the first row."""
    with open(path, 'w', newline='', encoding='utf-8') as f:
        writer = csv.DictWriter(f, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _left_and_right(size: tuple[int, int], rng: np.random.Generator, *sounding: SoundingClass) -> list[Box]:
    """One box in the left half of the image and one in the right; a single class takes either."""
    height, width = size
    sides = rng.permutation(2)
    boxes = []
    for side, c in zip(sides, sounding, strict=False):
        half = width // 2
        left = side * half + int(rng.integers(1, half // 4 + 1))
        boxes.append(Box(c, height // 4, height - int(rng.integers(1, height // 4)), left, left + half // 2))
    return boxes


def _write_sample(
    root: Path,
    subset: str,
    image_id: int,
    boxes: list[Box],
    split: str,
    size: tuple[int, int],
    rng: np.random.Generator,
) -> list[dict]:
    """Writes image and mask; returns the rows, one for each box."""
    image = rng.integers(60, 120, (*size, 3)).astype(np.uint8)
    mask = np.zeros(size, np.uint8)
    rows = []
    for k, box in enumerate(boxes):
        area = np.s_[box.top : box.bottom, box.left : box.right]
        image[area] = 20 * (box.sounding.mask_id % 12) + np.array([0, 10, 20])
        mask[area] = box.sounding.mask_id
        rows.append(
            dict(
                img_Id=image_id,
                ann_Ids=10 * image_id + k,
                cateId=box.sounding.mask_id,
                cateName=box.sounding.name,
                vgg_file=RECORDINGS[rng.integers(len(RECORDINGS))][0],
                audio_pos=(box.left + box.right) / 2 / size[1],
                multi_instance=int(subset == 'msmi'),
                split=split,
            )
        )
    mask[0] = IGNORED
    folder = boxes[0].sounding.name if subset == 'ss' else ''
    ann_id = f'_{rows[0]["ann_Ids"]:012d}' if subset == 'ss' else ''
    _write_image(root / f'VPO-{subset.upper()}' / 'data' / folder / f'{image_id:012d}.jpg', image)
    _write_image(root / f'VPO-{subset.upper()}' / 'mask' / folder / f'{image_id:012d}{ann_id}.png', mask)
    return rows


def _write_image(path: Path, content: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), content)


def _write_recordings(folder: Path, rng: np.random.Generator) -> None:
    """A tone and some noise; the pitch differs between files, and the channels differ."""
    folder.mkdir(parents=True, exist_ok=True)
    for k, (name, rate, seconds, channels) in enumerate(RECORDINGS):
        t = np.arange(int(rate * seconds)) / rate
        tone = 0.4 * np.sin(2 * np.pi * (300 + 250 * k) * t)[:, None]
        noise = 0.1 * rng.uniform(-1, 1, (len(t), channels))
        soundfile.write(folder / f'{name}.wav', tone + noise, rate, subtype='PCM_16')
