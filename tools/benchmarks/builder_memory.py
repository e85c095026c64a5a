"""Measures the memory of the VPO builder on generated annotations of the size of COCO.

    python tools/benchmarks/builder_memory.py --images 118287 --workers 2

The annotation file has as many objects as COCO's train2017, with its shares of categories and lengths of polygons. All
images are links to one JPEG. The tool runs the steps of the builder before the writing of samples, and prints the peak
memory of this process and its workers: the sum of the resident memory, and the sum of the proportional memory, which
counts shared pages once. Linux only.
"""

import argparse
import json
import os
import random
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

from mmavs.data_tools.parallel import WorkerPool
from mmavs.data_tools.vpo_builder.image_set import ImagePart, inspect_images, load_images, make_scenes
from mmavs.data_tools.vpo_builder.recording_set import load_recordings
from mmavs.data_tools.vpo_builder.sampling import SamplingRules, draw_multi_instance, draw_multi_source, draw_single
from mmavs.datasets.metainfo.vpo_classes import load_class_table

WIDTH, HEIGHT = 160, 120  # small, to save time; a worker holds one image at a time
OBJECTS_PER_IMAGE = 7.27  # COCO train2017: 860,001 objects in 118,287 images, 31 % of them persons
PERSONS, OTHERS_OF_TABLE = 0.31, 0.19
CAPTIONS = (
    'A man rides along the street past a parked car.',
    'A woman with a dog on the beach.',
    'Two women and several birds near the water.',
    'A street with a number of things on it.',
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--images', type=int, default=118287, help='default: %(default)s, as in train2017')
    parser.add_argument('--workers', type=int, default=2, help='default: %(default)s')
    parser.add_argument(
        '--start-method', choices=['fork', 'spawn'], help='start of the workers (default: fork on Linux)'
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        generate(root, args.images)
        size = (root / 'instances.json').stat().st_size / 1e6
        with PeakMemory() as peak:
            started = time.perf_counter()
            counts = read_and_plan(root, args.workers, args.start_method)
            seconds = time.perf_counter() - started
    print(f'{args.images} images, annotation file of {size:.0f} MB, {args.workers} workers: {seconds:.0f} s')
    print('samples: ' + ', '.join(f'{name} {count}' for name, count in counts.items()))
    print(f'peak memory: {peak.resident / 2**30:.2f} GiB resident, {peak.proportional / 2**30:.2f} GiB proportional')


def read_and_plan(root: Path, workers: int, start_method: str | None = None) -> dict[str, int]:
    """Runs the steps of the builder before the writing of samples; returns the number of samples."""
    table = load_class_table()
    part = ImagePart(str(root / 'instances.json'), str(root / 'images'), str(root / 'captions.json'), None)
    with WorkerPool(workers, start_method) as pool:  # starts the workers first, as in a build
        images = load_images([part], table)
        recordings = load_recordings(
            str(root / 'sounds.csv'),
            str(root / 'sounds'),
            table,
            val_fraction=0.0,
            seed=0,
            cache_file=str(root / 'recordings.jsonl'),
            pool=pool,
        )
        inspected = inspect_images(
            images, min_area=0.005, cache_file=str(root / 'images.jsonl'), fingerprint='', pool=pool
        )
    scenes = make_scenes(images, inspected, recordings.pool, seed=0, test_fraction=0.1, val_fraction=0.0)
    draws = {'ss': draw_single, 'ms': draw_multi_source, 'msmi': draw_multi_instance}
    return {name: len(draw(scenes, recordings.pool, SamplingRules())) for name, draw in draws.items()}


def generate(root: Path, number: int) -> None:
    """Writes annotations, captions, images (links) and a few recordings."""
    generator = random.Random(0)
    table = load_class_table()
    categories = list(dict.fromkeys(c.coco for c in table.classes)) + [f'other {i}' for i in range(62)]
    (root / 'images').mkdir()
    Image.new('RGB', (WIDTH, HEIGHT), (90, 120, 150)).save(root / 'picture.jpg')
    for i in range(number):
        os.symlink(root / 'picture.jpg', root / 'images' / f'{i:012d}.jpg')
    write_instances(root / 'instances.json', number, categories, generator)
    captions = [{'image_id': i // 5, 'id': i, 'caption': generator.choice(CAPTIONS)} for i in range(5 * number)]
    (root / 'captions.json').write_text(json.dumps({'annotations': captions}))
    (root / 'sounds').mkdir()
    lines = []
    for index, entry in enumerate(table.classes):
        for take in range(8):
            lines.append(f'sound{index}x{take},0,"{entry.sounds[0]}",{"test" if take < 2 else "train"}\n')
            soundfile.write(root / 'sounds' / f'sound{index}x{take}_000000.wav', np.sin(np.arange(1600)) / 10, 16000)
    (root / 'sounds.csv').write_text(''.join(lines))


def write_instances(path: Path, number: int, categories: list[str], generator: random.Random) -> None:
    """Writes the annotation file object by object, with polygons drawn from 2,000."""
    names = {name: i + 1 for i, name in enumerate(categories)}
    of_table = [n for n in categories if not n.startswith('other') and n != 'person']
    other = [n for n in categories if n.startswith('other')]
    polygons = [polygon(generator) for _ in range(2000)]
    with open(path, 'w') as f:
        images = [
            {
                'license': 3,
                'file_name': f'{i:012d}.jpg',
                'coco_url': f'http://images/train2017/{i:012d}.jpg',
                'height': HEIGHT,
                'width': WIDTH,
                'date_captured': '2013-11-14 11:18:45',
                'id': i,
            }
            for i in range(number)
        ]
        f.write(f'{{"info": {{}}, "images": {json.dumps(images)}, "annotations": [')
        for i in range(round(number * OBJECTS_PER_IMAGE)):
            draw = generator.random()
            name = (
                'person'
                if draw < PERSONS
                else generator.choice(of_table if draw < PERSONS + OTHERS_OF_TABLE else other)
            )
            f.write(
                (', ' if i else '') + f'{{"segmentation": {generator.choice(polygons)}, "area": 5000.25, "iscrowd": 0,'
                f' "image_id": {generator.randrange(number)}, "bbox": [10.5, 20.25, 110.5, 90.75],'
                f' "category_id": {names[name]}, "id": {i + 1}}}'
            )
        f.write(f'], "categories": {json.dumps([{"id": i, "name": n} for n, i in names.items()])}}}')


def polygon(generator: random.Random) -> str:
    """A polygon; the number of points is distributed as in COCO: 24 on average, sometimes over 100."""
    points = max(4, round(generator.lognormvariate(2.85, 0.8)))
    radius = generator.uniform(2, 28)
    x, y = generator.uniform(radius, WIDTH - radius), generator.uniform(radius, HEIGHT - radius)
    angles = np.sort([generator.uniform(0, 2 * np.pi) for _ in range(points)])
    ring = np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], 1)
    return json.dumps([[round(float(v), 2) for v in ring.ravel()]])


class PeakMemory:
    """Peak memory of this process and its children in bytes, sampled five times a second.

    Attributes:
        resident: Largest sum of the resident memory, which counts shared pages in each process.
        proportional: Largest sum of the proportional memory, which counts shared pages once.
    """

    def __init__(self) -> None:
        self.resident = self.proportional = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> 'PeakMemory':
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.2):
            values = [memory_of(pid) for pid in [os.getpid(), *children_of(os.getpid())]]
            self.resident = max(self.resident, sum(v[0] for v in values))
            self.proportional = max(self.proportional, sum(v[1] for v in values))


def children_of(pid: int) -> list[int]:
    """Process ids of all descendants."""
    found = []
    for task in Path(f'/proc/{pid}/task').glob('*/children'):
        try:
            found += [int(child) for child in task.read_text().split()]
        except OSError:  # the thread has ended
            continue
    return found + [grandchild for child in found for grandchild in children_of(child)]


def memory_of(pid: int) -> tuple[int, int]:
    """Resident and proportional memory of a process in bytes; 0 if the process has ended."""
    try:
        lines = Path(f'/proc/{pid}/smaps_rollup').read_text().splitlines()[1:]
    except OSError:
        return 0, 0
    values = {line.split()[0]: int(line.split()[1]) * 1024 for line in lines}
    return values.get('Rss:', 0), values.get('Pss:', 0)


if __name__ == '__main__':
    main()
