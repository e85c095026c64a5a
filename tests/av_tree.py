"""A valid VPO-MS whose training and test share nothing, for tests that damage single files."""

from pathlib import Path

import cv2
import numpy as np
import soundfile
from mmengine.config import Config
from vpo_tree import csv_path, write_rows

from mmavs.datasets.metainfo.vpo_classes import load_class_table

SIZE = (24, 32)
RATE = 16000
SECONDS = 0.25
CAT, DOG = (next(c for c in load_class_table().classes if c.name == name) for name in ('cat', 'dog'))


def write_clean_tree(root: Path, *, images: int = 4) -> Path:
    """Writes VPO-MS: each image has a cat and a dog with one recording each. Half of the images are for training."""
    rng, rows = np.random.default_rng(0), []
    for i in range(images):
        split = 'train' if i < images // 2 else 'test'
        mask = np.zeros(SIZE, np.uint8)
        mask[4:20, 4:12], mask[4:20, 20:28] = CAT.mask_id, DOG.mask_id
        _write(image_path(root, i), rng.integers(0, 255, (*SIZE, 3)).astype(np.uint8))
        _write(mask_path(root, i), mask)
        for k, (cls, position) in enumerate(((CAT, 0.25), (DOG, 0.75))):
            name = f'sound{2 * i + k}_000010'
            sound_path(root, 2 * i + k).parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(sound_path(root, 2 * i + k), rng.uniform(-0.5, 0.5, round(RATE * SECONDS)), RATE)
            rows.append(
                dict(
                    img_Id=i,
                    ann_Ids=10 * i + k,
                    cateId=cls.mask_id,
                    cateName=cls.name,
                    vgg_file=name,
                    audio_pos=position,
                    multi_instance=0,
                    split=split,
                )
            )
    write_rows(csv_path(root, 'ms'), rows)
    return root


def image_path(root: Path, index: int) -> Path:
    return root / 'VPO-MS' / 'data' / f'{index:012d}.jpg'


def mask_path(root: Path, index: int) -> Path:
    return root / 'VPO-MS' / 'mask' / f'{index:012d}.png'


def sound_path(root: Path, index: int) -> Path:
    return root / 'VGGSound' / 'audios' / f'sound{index}_000010.wav'


def av_config(root: Path, *, duration: float = SECONDS, loaders: tuple[str, ...] = ('train', 'test')) -> Config:
    """A config with data loaders only, for checks of the data."""
    pipeline = [dict(type='LoadFrame'), dict(type='LoadAudio', duration=duration), dict(type='LoadAVAnnotations')]
    dataset = dict(type='VPODataset', subset='ms', data_root=str(root), pipeline=pipeline)
    return Config({f'{name}_dataloader': dict(batch_size=1, dataset=dict(dataset, split=name)) for name in loaders})


def _write(path: Path, content: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, content)[1].tobytes())
