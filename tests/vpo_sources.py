"""A small COCO dataset and recordings, the input of the VPO builder."""

import csv
import hashlib
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

WIDTH, HEIGHT = 64, 48
FOLDERS = {'ss': 'VPO-SS', 'ms': 'VPO-MS', 'msmi': 'VPO-MSMI'}
CATEGORIES = {'person': 1, 'car': 3, 'cat': 17, 'dog': 18, 'bird': 16, 'sheep': 20, 'chair': 62}
LABELS = {
    'male': 'male singing',
    'female': 'female singing',
    'baby': 'baby crying',
    'car': 'car passing by',
    'cat': 'cat meowing',
    'dog': 'dog barking',
    'bird': 'bird chirping, tweeting',
    'sheep': 'sheep bleating',
}


def polygon(left, top, right, bottom):
    """Rows top to bottom and columns left to right, both exclusive at the end."""
    return [[left, top, right, top, right, bottom, left, bottom]]


def rle(left, top, right, bottom):
    """The same as an uncompressed RLE: runs along the columns, background first."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[top:bottom, left:right] = True
    flat = mask.ravel(order='F')
    edges = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff([0, *edges, flat.size]).tolist()
    return {'size': [HEIGHT, WIDTH], 'counts': [0, *runs] if flat[0] else runs}


class SourceSet:
    """A COCO dataset and recordings in a folder, made object by object."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.images, self.annotations, self.captions, self.recording_rows = [], [], [], []
        for folder in ('images', 'sounds'):
            (root / folder).mkdir(parents=True)

    def image(self, image_id, *objects, captions=(), suffix='jpg'):
        """``objects`` are (category, left, top, right, bottom), with further keys of the annotation at the end."""
        name = f'{image_id:012d}.{suffix}'
        noise = np.random.default_rng(image_id).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
        Image.fromarray(noise).save(self.root / 'images' / name)
        self.images.append({'id': image_id, 'file_name': name, 'height': HEIGHT, 'width': WIDTH})
        for category, *box, extra in [o if isinstance(o[-1], dict) else (*o, {}) for o in objects]:
            entry = {
                'id': 1000 + len(self.annotations),
                'image_id': image_id,
                'iscrowd': 0,
                'category_id': CATEGORIES[category],
                'segmentation': polygon(*box),
            }
            self.annotations.append({**entry, **extra})
        self.captions += [
            {'id': len(self.captions) + i, 'image_id': image_id, 'caption': c} for i, c in enumerate(captions)
        ]
        return self

    def recordings(self, names=tuple(LABELS), train=6, test=3):
        for name in names:
            for take in range(train + test):
                self.recording(f'{name}{take}', LABELS[name], 'train' if take < train else 'test')
        return self

    def recording(self, video, label, split, samples=None):
        self.recording_rows.append(f'{video},30,"{label}",{split}\n')
        tone = np.sin(np.arange(800) / (3 + len(self.recording_rows) % 7)) / 2 if samples is None else samples
        soundfile.write(self.root / 'sounds' / f'{video}_000030.wav', tone, 8000)
        return self

    def write(self, **options):
        """Writes the lists; returns the arguments of ``build_vpo``, without the subset."""
        categories = [{'id': i, 'name': n} for n, i in CATEGORIES.items()]
        content = {'images': self.images, 'annotations': self.annotations, 'categories': categories}
        (self.root / 'instances.json').write_text(json.dumps(content))
        (self.root / 'captions.json').write_text(json.dumps({'annotations': self.captions}))
        (self.root / 'sounds.csv').write_text(''.join(self.recording_rows))
        return {
            'instances': [str(self.root / 'instances.json')],
            'images': [str(self.root / 'images')],
            'captions': [str(self.root / 'captions.json')],
            'sounds_csv': str(self.root / 'sounds.csv'),
            'sounds': str(self.root / 'sounds'),
            'out': str(self.root / 'out'),
            'workers': 1,
            **options,
        }


def tree(out):
    """Digest of every file except the cache, which has times of source files."""
    return {
        str(p.relative_to(out)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(Path(out).rglob('*'))
        if p.is_file() and '.build_cache' not in p.parts
    }


def rows_of(out, subset):
    with open(Path(out) / FOLDERS[subset] / f'vpo_{subset}_data_stereo.csv', newline='') as f:
        return list(csv.DictReader(f))


def samples_of(out, subset):
    """Rows by image, with the image and mask files."""
    samples = defaultdict(list)
    for row in rows_of(out, subset):
        samples[row['img_Id']].append(row)
    for image_id, rows in samples.items():
        root = Path(out) / FOLDERS['ms' if subset == 'msmi' and rows[0]['multi_instance'] == '0' else subset]
        name = rows[0]['cateName'] if subset == 'ss' else ''
        mask = f'{image_id}_{int(rows[0]["ann_Ids"]):012d}.png' if subset == 'ss' else f'{image_id}.png'
        yield rows, root / 'data' / name / f'{image_id}.jpg', root / 'mask' / name / mask
