"""Generated files: a VPO of one image with three recordings, and annotation files of any length."""

import csv
from pathlib import Path

import cv2
import numpy as np
import soundfile
import torch
from torchaudio.transforms import Resample

from mmavs.audio import SAMPLE_RATE
from mmavs.datasets.metainfo.vpo_classes import load_class_table

COPIES = 'audios_16k'
COLUMNS = ('img_Id', 'ann_Ids', 'cateId', 'cateName', 'vgg_file', 'audio_pos', 'multi_instance', 'split')
RECORDING_SECONDS, RECORDING_RATE = 10, 44100


def write_sample(root: Path, size: tuple[int, int]) -> None:
    """One image of three objects: JPEG, mask, two stereo recordings and a mono one, and their 16 kHz copies."""
    rng = np.random.default_rng(0)
    classes = load_class_table().classes[1:4]
    height, width = size
    mask = np.zeros(size, np.uint8)
    rows = []
    for k, c in enumerate(classes):
        mask[height // 4 : 3 * height // 4, k * width // 3 : k * width // 3 + width // 4] = c.mask_id
        rows.append((7, 70 + k, c.mask_id, c.name, f'recording_{k:06d}', (k + 0.5) / 3, 0, 'train'))
        write_recording(root, f'recording_{k:06d}', channels=1 + (k < 2), rng=rng)
    texture = cv2.resize(rng.integers(0, 256, (height // 16, width // 16, 3)).astype(np.float32), size[::-1])
    write_image(root / 'VPO-MS' / 'data' / f'{7:012d}.jpg', np.clip(texture + rng.normal(0, 8, (*size, 3)), 0, 255))
    write_image(root / 'VPO-MS' / 'mask' / f'{7:012d}.png', mask)
    write_table(root, rows)


def write_image(path: Path, content: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), content.astype(np.uint8)):
        raise OSError(f'cannot write {path}')


def write_recording(root: Path, name: str, *, channels: int, rng: np.random.Generator) -> None:
    """A 16-bit recording, and its copy in mono at 16 kHz, in float32 to avoid rounding."""
    for folder in ('audios', COPIES):
        (root / 'VGGSound' / folder).mkdir(parents=True, exist_ok=True)
    path = root / 'VGGSound' / 'audios' / f'{name}.wav'
    noise = rng.uniform(-0.5, 0.5, (RECORDING_SECONDS * RECORDING_RATE, channels))
    soundfile.write(path, noise, RECORDING_RATE, subtype='PCM_16')
    mono = soundfile.read(path, dtype='float32', always_2d=True)[0].mean(axis=1)
    copy = Resample(RECORDING_RATE, SAMPLE_RATE)(torch.from_numpy(mono))
    soundfile.write(root / 'VGGSound' / COPIES / f'{name}.wav', copy.numpy(), SAMPLE_RATE, subtype='FLOAT')


def write_rows(root: Path, count: int) -> None:
    """An annotation file of ``count`` rows, two for each image, in random order."""
    rng = np.random.default_rng(0)
    classes = load_class_table().classes[1:]
    images = rng.permutation(np.repeat(rng.choice(600_000, count // 2, replace=False), 2))
    kinds = rng.integers(0, len(classes), count)
    positions = rng.uniform(0, 1, count).round(4)
    rows = []
    for i, (image, kind, position) in enumerate(zip(images.tolist(), kinds.tolist(), positions.tolist(), strict=True)):
        c = classes[kind]
        rows.append((image, 10 * i, c.mask_id, c.name, f'recording_{i % 5000:06d}', position, image % 2, 'train'))
    write_table(root, rows)


def write_table(root: Path, rows: list[tuple]) -> None:
    """The annotation file of VPO-MSMI."""
    path = root / 'VPO-MSMI' / 'vpo_msmi_data_stereo.csv'
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, 'w', newline='', encoding='utf-8') as f:
        writer = csv.writer(f)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
