"""Writes the sources of the mini set: images with COCO annotations, and recordings in VGGSound's layout."""

import csv
import io
import json
import multiprocessing
import os
import shutil
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import soundfile
import yaml
from pycocotools import mask as mask_utils
from tqdm import tqdm

from .scenes import CLASSES, HEIGHT, WIDTH, draw_scene, plan_scenes
from .sounds import KINDS, synthesise

JPEG_QUALITY = 90
RATES = {4: 22050, 11: 44100}  # of the recordings with these numbers modulo 13; the others have 16 kHz
RECORDING_SPLITS = ('train', 'test')
VERSION = 1  # of what is drawn and synthesised: one more whenever the same settings give other files


def source_settings(*, images, recordings, seed):
    """What decides the content of a source, as ``settings.json`` in its folder says it."""
    return {'version': VERSION, 'images': images, 'recordings': list(recordings), 'seed': seed}


def write_source(folder, *, images, recordings, seed, workers, table):
    """Draws and synthesises the whole source into a folder that takes its name when everything is there.

    Writes ``images/<id, 12 digits>.jpg``, ``instances.json`` and ``captions.json`` in COCO's format,
    ``audios/<id>_<start, 6 digits>.wav``, ``vggsound.csv`` (id, start second, label, split), ``classes.yaml`` (a class
    file of what there is) and ``settings.json``. The result depends on the numbers and the seed, not on ``workers``.

    Args:
        folder (str | Path): Where it goes; must not exist. What an interrupted run left beside it is removed.
        images (int): Number of images.
        recordings (tuple[int, int]): Number of recordings of each class for training and for testing.
        seed (int): Seed of everything.
        workers (int): Number of processes; 1 works in this one.
        table (ClassTable): Classes of VPO; gives the category ids, which are those of the masks.
    """
    category_ids = {c.name: c.mask_id for c in table.classes if c.name in CLASSES}
    entries = [
        {'name': name, 'coco': name, 'mask_id': mask_id, 'sounds': sorted({k.label for k in KINDS[name]})}
        for name, mask_id in category_ids.items()
    ]
    settings = source_settings(images=images, recordings=recordings, seed=seed)
    with whole_folder(folder) as part:
        with make_mapper(workers) as mapper:
            _write_images(part, images, seed, mapper, category_ids)
            write_recordings(part, recordings, seed, mapper)
        (part / 'classes.yaml').write_text(yaml.safe_dump({'classes': entries}, sort_keys=False), encoding='utf-8')
        (part / 'settings.json').write_text(json.dumps(settings), encoding='utf-8')


@contextmanager
def whole_folder(folder):
    """Gives a new folder beside ``folder``, which takes its name when the block ends well and is removed otherwise.

    Args:
        folder (str | Path): Must not exist, or be empty. What a killed run left beside it is removed.

    Raises:
        OSError: Something could not be written; the message names ``folder``, the reason and the remedy.
    """
    # Imported late since the processes that draw import this file too and would wait for torch.
    from mmavs.utils.files import writing_error

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


@contextmanager
def make_mapper(workers):
    """Gives a function ``(function, jobs, desc)`` that yields ``function(job)`` in order, with a progress bar."""
    if workers <= 1:
        yield lambda function, jobs, desc: tqdm(map(function, jobs), total=len(jobs), desc=desc, mininterval=0.5)
        return
    context = multiprocessing.get_context('spawn')
    with ProcessPoolExecutor(workers, context, initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        try:
            yield lambda function, jobs, desc: tqdm(
                pool.map(function, jobs, chunksize=8), total=len(jobs), desc=desc, mininterval=0.5
            )
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _write_images(part, count, seed, mapper, category_ids):
    (part / 'images').mkdir()
    jobs = [(str(part / 'images'), names, seed, index + 1) for index, names in enumerate(plan_scenes(count, seed))]
    images, annotations, captions = [], [], []
    for image_id, (file_name, objects, caption) in enumerate(mapper(_write_image, jobs, 'Drawing images'), 1):
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
    """Draws one image: its file name, (class, run lengths, area, box) of its objects, and its caption."""
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
    """Decides which recordings there are; the kinds of a class alternate in each split.

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


def write_recordings(part, counts, seed, mapper):
    """Writes ``audios`` and ``vggsound.csv`` of a source below ``part``, see :func:`write_source`."""
    (part / 'audios').mkdir(parents=True)
    plan = plan_recordings(counts, seed)
    jobs = [
        (str(part / 'audios' / f'{identifier}_{start:06d}.wav'), name, kind, rate, [seed, 4, number])
        for number, (identifier, start, _, name, kind, rate) in enumerate(plan)
    ]
    for _ in mapper(_write_recording, jobs, 'Synthesising recordings'):
        pass
    with open(part / 'vggsound.csv', 'w', encoding='utf-8', newline='') as f:
        csv.writer(f).writerows((i, start, KINDS[name][kind].label, split) for i, start, split, name, kind, _ in plan)


def _write_recording(job):
    path, name, kind, rate, seed = job
    write_wav(Path(path), synthesise(KINDS[name][kind], rate, seed), rate)


def write_wav(path, waveform, rate):
    """Writes 16-bit samples, from memory: soundfile's own error on a full disk has no reason."""
    content = io.BytesIO()
    soundfile.write(content, waveform, rate, format='WAV', subtype='PCM_16')
    path.write_bytes(content.getvalue())
