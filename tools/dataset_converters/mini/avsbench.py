"""Writes small AVSBench trees of the three released layouts: videos with changing sounding objects."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from .scenes import draw_clip
from .source import write_wav
from .synthesis import KINDS, synthesize

RATE = 8000  # Hz; the audio has frequencies up to 3800 Hz
FADE = 0.02  # duration of the fades in and out, in seconds
NOISE = 0.002  # root mean square of the background noise
SPLITS = ('train', 'val', 'test')
JPEG_QUALITY = 90
SEMANTIC_FRAMES = {'v1s': 5, 'v1m': 5, 'v2': 10}
SEMANTIC_CLASSES = ('airplane', 'bird', 'bus', 'car', 'cat', 'dog')  # these are also classes of AVSBench-Semantic
SILENT_SHARE = 0.12  # fraction of silent seconds


@dataclass(frozen=True)
class ClipPlan:
    """A video to make.

    Attributes:
        part: ``'s4'``, ``'ms3'``, ``'v1s'``, ``'v1m'`` or ``'v2'``.
        split: ``'train'``, ``'val'`` or ``'test'``.
        name: Name of its files or folder.
        objects: Classes of the visible objects, each once.
        sounding: Indices of the sounding objects in every second.
        seed: Seed of frames and audio.
    """

    part: str
    split: str
    name: str
    objects: tuple
    sounding: tuple
    seed: tuple


def category_of(name):
    """Name of a class in S4: the first words of its VGGSound label, such as ``'dog_barking'``."""
    return KINDS[name][0].label.split(',')[0].replace(' ', '_')


def plan_clips(part, counts, seed):
    """Plans the videos of one part.

    In S4 and v1s, one object sounds in every second and one or two others are silent. In the other parts, one or two of
    three objects sound and change from second to second; in MS3 and v2 there are silent seconds, too.

    Args:
        part (str): See :class:`ClipPlan`.
        counts (tuple[int, int, int]): Videos for training, validation and testing.
        seed (int): Seed of all random choices.

    Returns:
        list[ClipPlan]: In order of the splits. The class of the first object cycles through all classes.
    """
    number = list(('s4', 'ms3', *SEMANTIC_FRAMES)).index(part)
    rng = np.random.default_rng([seed, 6, number])
    classes = SEMANTIC_CLASSES if part in SEMANTIC_FRAMES else tuple(KINDS)
    seconds = SEMANTIC_FRAMES.get(part, 5)
    plans = []
    for split, count in zip(SPLITS, counts, strict=True):
        for index in range(count):
            main = classes[index % len(classes)]
            others = [c for c in classes if c != main]
            if part in ('s4', 'v1s'):
                objects = (main, *rng.permutation(others)[: rng.integers(1, 3)].tolist())
                sounding = ((0,),) * seconds
            else:
                objects = (main, *rng.permutation(others)[:2].tolist())
                sounding = _changing(rng, seconds, silent_share=0 if part == 'v1m' else SILENT_SHARE)
            name = f'{part}_{split}_{index:03d}'
            plans.append(ClipPlan(part, split, name, objects, sounding, (seed, 7, number, len(plans))))
    return plans


def _changing(rng, seconds, silent_share):
    """The sounding objects, of three, in each second; they differ from those of the second before."""
    choices = ((0,), (1,), (2,), (0, 1), (0, 2), (1, 2))
    sounding = []
    for _ in range(seconds):
        others = [c for c in choices if not sounding or c != sounding[-1]]
        silent = rng.random() < silent_share and (not sounding or sounding[-1])
        sounding.append(() if silent else others[rng.integers(len(others))])
    return tuple(sounding)


def make_audio(plan):
    """The audio of a video, float64 (seconds * RATE,), with each object in the seconds in which it sounds."""
    rng = np.random.default_rng([*plan.seed, 1])
    seconds = len(plan.sounding)
    mixture = NOISE * rng.standard_normal(seconds * RATE)
    for i, name in enumerate(plan.objects):
        on = np.repeat([float(i in now) for now in plan.sounding], RATE)
        kind = KINDS[name][rng.integers(len(KINDS[name]))]
        if on.any():
            window = np.hanning(int(2 * FADE * RATE) + 1)
            gain = np.convolve(np.pad(on, len(window) // 2, mode='edge'), window / window.sum(), mode='valid')
            mixture += gain * synthesize(kind, RATE, [*plan.seed, 2, i], seconds)
    return np.clip(mixture, -1, 1)


def object_mask(masks, sounding):
    """uint8 (H, W), 255 for sounding objects; ``masks`` is (N, H, W), ``sounding`` their indices."""
    return masks[list(sounding)].any(axis=0).astype(np.uint8) * 255


def semantic_mask(masks, sounding, labels):
    """uint8 (H, W), class indices of the sounding objects; ``labels`` are those of all objects."""
    mask = np.zeros(masks.shape[1:], np.uint8)
    for i in sounding:
        mask[masks[i]] = labels[i]
    return mask


def write_s4(job):
    """Writes a video of S4 below its root; ``job`` is (root, plan)."""
    root, plan = job
    folder = Path(root, 'Single-source', 's4_data')
    place = Path(plan.split, category_of(plan.objects[0]))
    for k, (image, masks) in enumerate(draw_clip(list(plan.objects), plan.seed, len(plan.sounding)), 1):
        _write_png(folder / 'visual_frames' / place / plan.name / f'{plan.name}_{k}.png', image)
        if plan.split != 'train' or k == 1:
            mask = object_mask(masks, plan.sounding[k - 1])
            _write_png(folder / 'gt_masks' / place / plan.name / f'{plan.name}_{k}.png', mask)
    _write_wav(folder / 'audio_wav' / place / f'{plan.name}.wav', plan)


def write_ms3(job):
    """Writes a video of MS3 below its root; ``job`` is (root, plan)."""
    root, plan = job
    folder = Path(root, 'Multi-sources', 'ms3_data')
    for k, (image, masks) in enumerate(draw_clip(list(plan.objects), plan.seed, len(plan.sounding)), 1):
        _write_png(folder / 'visual_frames' / plan.name / f'{plan.name}.mp4_{k}.png', image)
        mask = object_mask(masks, plan.sounding[k - 1])
        _write_png(folder / 'gt_masks' / plan.split / plan.name / f'{plan.name}_{k}.png', mask)
    _write_wav(folder / 'audio_wav' / plan.split / f'{plan.name}.wav', plan)


def write_semantic(job):
    """Writes a video of AVSBench-Semantic below its root; ``job`` is (root, plan, names of the classes, palette)."""
    root, plan, names, palette = job
    folder = Path(root, plan.part, plan.name)
    labels = [names.index(name) for name in plan.objects]
    for k, (image, masks) in enumerate(draw_clip(list(plan.objects), plan.seed, len(plan.sounding))):
        _write(folder / 'frames' / f'{k}.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        if (plan.part, plan.split) != ('v1s', 'train') or k == 0:
            mask = semantic_mask(masks, plan.sounding[k], labels)
            _write_png(folder / 'labels_semantic' / f'{k}.png', mask)
            _write_png(folder / 'labels_rgb' / f'{k}.png', palette[mask])
    _write_wav(folder / 'audio.wav', plan)


def write_tables(object_root, semantic_root, plans, names):
    """Writes the annotation files of all ``plans`` (part -> list) and ``label2idx.json``."""
    _write_csv(
        Path(object_root, 'Single-source', 's4_meta_data.csv'),
        ('name', 'length', 'category', 'split'),
        [(p.name, len(p.sounding), category_of(p.objects[0]), p.split) for p in plans['s4']],
    )
    _write_csv(
        Path(object_root, 'Multi-sources', 'ms3_meta_data.csv'),
        ('name', 'split'),
        [(p.name, p.split) for p in plans['ms3']],
    )
    _write_csv(
        Path(semantic_root, 'metadata.csv'),
        ('uid', 'label', 'split'),
        [(p.name, p.part, p.split) for part in SEMANTIC_FRAMES for p in plans[part]],
    )
    content = {name: index for index, name in enumerate(names)}
    Path(semantic_root, 'label2idx.json').write_text(json.dumps(content, indent=1), encoding='utf-8')


def _write_csv(path, columns, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, 'w', encoding='utf-8', newline='') as f:
        csv.writer(f).writerows([columns, *rows])


def _write_png(path, pixels):
    _write(path, pixels, [cv2.IMWRITE_PNG_COMPRESSION, 6])


def _write(path, pixels, options):
    path.parent.mkdir(parents=True, exist_ok=True)
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    path.write_bytes(cv2.imencode(path.suffix, pixels, options)[1].tobytes())


def _write_wav(path, plan):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_wav(path, make_audio(plan), RATE)
