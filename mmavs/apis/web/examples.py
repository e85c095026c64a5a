"""Example pictures and sounds from the test data of a network."""

import os.path as osp
import shutil
from typing import NamedTuple

import numpy as np
from mmengine.config import Config, ConfigDict
from mmseg.registry import DATASETS

from ..checkpoints import find_test_dataset

EXAMPLE = 'example'
"""Beginning of the names of example files."""


class Example(NamedTuple):
    """A picture with a sound of one of its objects.

    Attributes:
        name: Name in the menu.
        picture: Path.
        sound: Path.
        position: Position of the object from 0 to 1.
    """

    name: str
    picture: str
    sound: str
    position: float


def find_examples(cfg: Config | ConfigDict, folder: str, number: int = 6) -> list[Example]:
    """Copies examples of the test data of a config into ``folder``; none if the data is not on this machine.

    Args:
        cfg: The config of the network.
        folder: The folder of the page; only files in it are served.
        number: Number of examples.
    """
    dataset_cfg = dict(find_test_dataset(cfg))
    if not osp.isdir(str(dataset_cfg.get('data_root') or '')):
        return []
    try:
        dataset = DATASETS.build({**dataset_cfg, 'pipeline': []})
    except (OSError, KeyError, TypeError, ValueError):
        return []  # the data differs from that of the config
    found = []
    places = np.unique(np.linspace(0, len(dataset) - 1, min(5 * number, len(dataset))).round().astype(int))
    for index in places.tolist():
        record = dataset.get_data_info(index)
        sources = record.get('sources') or ()
        files = [record['img_path'], *(source['audio_path'] for source in sources)]
        if len(sources) != 1 or 'start' in sources[0] or not all(map(osp.isfile, files)):
            continue
        name = f'{len(found) + 1}: {_class_name(dataset, sources[0])}'
        picture, sound = (_copy(path, folder, f'{EXAMPLE}{len(found) + 1}') for path in files)
        found.append(Example(name, picture, sound, float(sources[0].get('position', 0.5))))
        if len(found) == number:
            break
    return found


def _class_name(dataset, source: dict) -> str:
    label, classes = source.get('label'), dataset.metainfo['classes']
    return classes[label] if label is not None and label < len(classes) else osp.basename(source['audio_path'])


def _copy(path: str, folder: str, stem: str) -> str:
    target = osp.join(folder, stem + osp.splitext(path)[1])
    shutil.copyfile(path, target)
    return target
