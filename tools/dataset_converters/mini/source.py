"""Writes the sources of the mini set: images with COCO annotations, and recordings in VGGSound's layout."""

import csv
import io
import json
import os
import shutil
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import soundfile
import yaml
from pycocotools import mask as mask_utils

from mmavs.data_tools.parallel import WorkerPool
from mmavs.utils.files import writing_error

from .scenes import CLASSES, HEIGHT, WIDTH, draw_scene, plan_scenes
from .synthesis import KINDS, synthesize

JPEG_QUALITY = 90
RATES = {4: 22050, 11: 44100}  # Hz, of recordings with these numbers modulo 13; the others have 16 kHz
RECORDING_SPLITS = ('train', 'test')
VERSION = 1  # version: increased when the same settings give different files


def source_settings(*, images, recordings, seed):
    """All settings that determine the content of a source, as stored in ``settings.json``."""
    return {'version': VERSION, 'images': images, 'recordings': list(recordings), 'seed': seed}


def write_source(folder, *, images, recordings, seed, workers, table):
    """Draws and synthesizes the source. The folder appears when it is complete.

    Writes ``images/<id, 12 digits>.jpg``, ``instances.json`` and ``captions.json`` in COCO's format,
    ``audios/<id>_<start, 6 digits>.wav``, ``vggsound.csv`` (id, start second, label, split), ``classes.yaml`` (class
    file of the drawn classes) and ``settings.json``. The result does not depend on ``workers``.

    Args:
        folder (str | Path): Output folder; must not exist. The temporary folder of an interrupted run is removed.
        images (int): Number of images.
        recordings (tuple[int, int]): Number of recordings of each class for training and for testing.
        seed (int): Seed of all random choices.
        workers (int): Number of processes. With 1, this process does the work.
        table (ClassTable): Classes of VPO; the category ids are their mask values.
    """
    category_ids = {c.name: c.mask_id for c in table.classes if c.name in CLASSES}
    entries = [
        {'name': name, 'coco': name, 'mask_id': mask_id, 'sounds': sorted({k.label for k in KINDS[name]})}
        for name, mask_id in category_ids.items()
    ]
    settings = source_settings(images=images, recordings=recordings, seed=seed)
    with complete_folder(folder) as part:
        with WorkerPool(workers) as pool:
            _write_images(part, images, seed, pool, category_ids)
            write_recordings(part, recordings, seed, pool)
        (part / 'classes.yaml').write_text(yaml.safe_dump({'classes': entries}, sort_keys=False), encoding='utf-8')
        (part / 'settings.json').write_text(json.dumps(settings), encoding='utf-8')


@contextmanager
def complete_folder(folder):
    """Yields a new folder, which is renamed to ``folder`` if the block succeeds and removed otherwise.

    Args:
        folder (str | Path): Must not exist, or be empty. The temporary folder of an interrupted run is removed.

    Raises:
        OSError: A file cannot be written; the message names ``folder``, the reason and the remedy.
    """
    folder = Path(folder)
    part = folder.with_name(f'{folder.name}.part')
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        yield part
        os.replace(part, folder)
    except BaseException as error:
        shutil.rmtree(part, ignore_errors=True)
        if isinstance(error, OSError) and error.errno is not None:
            raise writing_error(folder, error, goes_on=False) from error
        raise


def _write_images(part, count, seed, pool, category_ids):
    (part / 'images').mkdir()
    jobs = [(str(part / 'images'), names, seed, index + 1) for index, names in enumerate(plan_scenes(count, seed))]
    images, annotations, captions = [], [], []
    drawn = pool.map(_write_image, jobs, total=len(jobs), desc='Drawing images')
    for image_id, (file_name, objects, caption) in enumerate(drawn, 1):
        images.append({'id': image_id, 'file_name': file_name, 'height': HEIGHT, 'width': WIDTH})
        captions.append({'id': image_id, 'image_id': image_id, 'caption': caption})
        for name, segmentation, area, box in objects:
            annotations.append(
                {
                    'id': len(annotations) + 1,
                    'image_id': image_id,
                    'category_id': category_ids[name],
                    'segmentation': segmentation,
                    'area': area,
                    'bbox': box,
                    'iscrowd': 0,
                }
            )
    categories = [{'id': category_ids[name], 'name': name} for name in CLASSES]
    for name, content in (
        ('instances', {'annotations': annotations, 'categories': categories}),
        ('captions', {'annotations': captions}),
    ):
        text = json.dumps({'info': {'description': 'mini set'}, 'images': images, **content})
        (part / f'{name}.json').write_text(text, encoding='utf-8')


def _write_image(job):
    """Draws one image; returns its file name, (class, RLE, area, box) of its objects, and its caption."""
    folder, names, seed, image_id = job
    scene = draw_scene(names, seed, image_id)
    file_name = f'{image_id:012d}.jpg'
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    encoded = cv2.imencode('.jpg', cv2.cvtColor(scene.image, cv2.COLOR_RGB2BGR), options)[1]
    Path(folder, file_name).write_bytes(encoded.tobytes())
    objects = []
    for instance in scene.instances:
        code = mask_utils.encode(np.asfortranarray(instance.mask.astype(np.uint8)))
        segmentation = {'size': [HEIGHT, WIDTH], 'counts': code['counts'].decode('ascii')}
        objects.append((instance.name, segmentation, int(mask_utils.area(code)), mask_utils.toBbox(code).tolist()))
    return file_name, objects, scene.caption


def plan_recordings(counts, seed):
    """Plans the recordings; the kinds of a class alternate in each split.

    Args:
        counts (tuple[int, int]): Number of recordings of each class for training and for testing.
        seed (int): Seed of the start seconds.

    Returns:
        list[tuple]: (id, start second, split, class, index of its kind, samples per second) of each.
    """
    rng = np.random.default_rng([seed, 3])
    plan = []
    for name, kinds in KINDS.items():
        number = 0
        for split, count in zip(RECORDING_SPLITS, counts, strict=True):
            for index in range(count):
                kind = index % len(kinds)
                identifier = f'{name}-{kinds[kind].name}-{number:02d}'
                start = 10 * int(rng.integers(0, 30))
                plan.append((identifier, start, split, name, kind, RATES.get(number % 13, 16000)))
                number += 1
    return plan


def write_recordings(part, counts, seed, pool):
    """Writes ``audios`` and ``vggsound.csv`` of a source below ``part``, see :func:`write_source`."""
    (part / 'audios').mkdir(parents=True)
    plan = plan_recordings(counts, seed)
    jobs = [
        (str(part / 'audios' / f'{identifier}_{start:06d}.wav'), name, kind, rate, [seed, 4, number])
        for number, (identifier, start, _, name, kind, rate) in enumerate(plan)
    ]
    for _ in pool.map(_write_recording, jobs, total=len(jobs), desc='Synthesizing recordings'):
        pass
    with open(part / 'vggsound.csv', 'w', encoding='utf-8', newline='') as f:
        csv.writer(f).writerows((i, start, KINDS[name][kind].label, split) for i, start, split, name, kind, _ in plan)


def _write_recording(job):
    path, name, kind, rate, seed = job
    write_wav(Path(path), synthesize(KINDS[name][kind], rate, seed), rate)


def write_wav(path, waveform, rate):
    """Writes 16-bit samples, encoded in memory, since soundfile's error on a full disk does not contain the reason."""
    content = io.BytesIO()
    soundfile.write(content, waveform, rate, format='WAV', subtype='PCM_16')
    path.write_bytes(content.getvalue())
