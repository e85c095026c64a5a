"""Tiny AVSBench trees of the three released layouts: noise for frames, rectangles for objects, tones for audio."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

from mmavs.datasets.metainfo.avsbench_classes import default_classes
from mmavs.datasets.metainfo.palette import bit_interleaved_palette

SIZE = (32, 48)  # height, width
RATE = 16000
CATEGORIES = ('dog_barking', 'playing_piano')
SPLITS = ('train', 'val', 'test')
FRAMES = dict(v1s=5, v1m=5, v2=10)


def pitch(second: int) -> int:
    """Frequency, in Hz, of the tone of a second; it identifies the second."""
    return 400 + 200 * second


def write_recording(path: Path, seconds: float, rate: int = RATE) -> None:
    """Each second is a tone with another pitch."""
    path.parent.mkdir(parents=True, exist_ok=True)
    t = np.arange(round(seconds * rate)) / rate
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * pitch(t.astype(int)) * t), rate, subtype='FLOAT')


def write_image(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def write_rows(path: Path, columns: Sequence[str], rows: Sequence[Sequence]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, 'w', newline='', encoding='utf-8') as f:
        csv.writer(f).writerows([columns, *rows])


def object_mask(frame: int, value: int = 255) -> np.ndarray:
    """uint8, ``SIZE``: a rectangle that moves from frame to frame."""
    mask = np.zeros(SIZE, np.uint8)
    mask[8:24, 4 + 2 * frame : 16 + 2 * frame] = value
    return mask


def frame_of(rng: np.random.Generator, mask: np.ndarray) -> np.ndarray:
    frame = rng.integers(60, 120, (*mask.shape, 3)).astype(np.uint8)
    frame[mask > 0] = 220
    return frame


def write_s4(root: Path, clips: int = 2) -> Path:
    """``clips`` clips of each category and split."""
    rng, rows = np.random.default_rng(0), []
    data = root / 'Single-source' / 's4_data'
    for split in SPLITS:
        for category in CATEGORIES:
            for number in range(clips):
                name = f'{split[:2]}_{category[:3]}{number}_5'
                rows.append((name, 0, category, split))
                for k in range(1, 6):
                    mask = object_mask(k)
                    write_image(
                        data / 'visual_frames' / split / category / name / f'{name}_{k}.png', frame_of(rng, mask)
                    )
                    if split != 'train' or k == 1:
                        write_image(data / 'gt_masks' / split / category / name / f'{name}_{k}.png', mask)
                write_recording(data / 'audio_wav' / split / category / f'{name}.wav', 5)
    write_rows(root / 'Single-source' / 's4_meta_data.csv', ('name', 'length', 'category', 'split'), rows)
    return root


def write_ms3(root: Path, clips: int = 2) -> Path:
    """``clips`` clips of each split; the third second is silent."""
    rng, rows = np.random.default_rng(1), []
    data = root / 'Multi-sources' / 'ms3_data'
    for split in SPLITS:
        for number in range(clips):
            name = f'{split}{number}'
            rows.append((name, split))
            for k in range(1, 6):
                mask = object_mask(k) if k != 3 else np.zeros(SIZE, np.uint8)
                write_image(data / 'visual_frames' / name / f'{name}.mp4_{k}.png', frame_of(rng, object_mask(k)))
                write_image(data / 'gt_masks' / split / name / f'{name}_{k}.png', mask)
            write_recording(data / 'audio_wav' / split / f'{name}.wav', 5)
    write_rows(root / 'Multi-sources' / 'ms3_meta_data.csv', ('name', 'split'), rows)
    return root


def classes_in(uid: str, frame: int) -> tuple[int, ...]:
    """The classes that sound in a frame of :func:`write_semantic`."""
    number = int(uid[-1])
    return (5 + number,) if frame % 2 == 0 else (5 + number, 60 + number)


def semantic_mask(uid: str, frame: int) -> np.ndarray:
    mask = np.zeros(SIZE, np.uint8)
    for k, label in enumerate(classes_in(uid, frame)):
        mask[4 + 14 * k : 14 + 14 * k, 4 + frame : 30 + frame] = label
    return mask


def write_semantic(
    root: Path, clips: int = 1, *, folders: Sequence[str] = ('labels_semantic', 'labels_rgb'), first: int = 0
) -> Path:
    """``clips`` clips of each part and split, with the label folders ``folders``; frames count from ``first``."""
    rng, rows = np.random.default_rng(2), []
    palette = np.array(bit_interleaved_palette(256), np.uint8)
    for part, count in FRAMES.items():
        for split in SPLITS:
            for number in range(clips):
                uid = f'{part}{split}{number}'
                rows.append((uid, 'something', part, split))
                for k in range(count):
                    mask = semantic_mask(uid, k)
                    folder = root / part / uid
                    write_image(folder / 'frames' / f'{k + first}.jpg', frame_of(rng, mask))
                    if (part, split) != ('v1s', 'train') or k == 0:
                        for name in folders:
                            pixels = mask if name == 'labels_semantic' else palette[mask]
                            write_image(folder / name / f'{k + first}.png', pixels)
                write_recording(folder / 'audio.wav', count)
    write_rows(root / 'metadata.csv', ('uid', 'a_obj', 'label', 'split'), rows)
    write_label_file(root)
    return root


def write_label_file(root: Path, names: Sequence[str] | None = None) -> None:
    content = {name: index for index, name in enumerate(names or default_classes())}
    (root / 'label2idx.json').write_text(json.dumps(content), encoding='utf-8')
