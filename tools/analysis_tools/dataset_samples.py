"""Samples of a config's dataset, and the predictions that `tools/test.py --out` has written for them."""

import argparse
import copy
import os.path as osp
from collections.abc import Iterator, Sequence

import numpy as np
from mmengine.config import Config, DictAction
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS
from PIL import Image

import mmavs  # noqa: F401  registers the modules
from mmavs.datasets import AVSegDataset
from mmavs.utils.config_overrides import override

Sample = tuple[AVSegDataset, int]
"""A dataset and an index in it."""


def add_cfg_options(parser: argparse.ArgumentParser) -> None:
    """Adds the option --cfg-options."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        default={},
        metavar='KEY=VALUE',
        help='change settings of the config, for example data_root=data/my_VPO',
    )


def add_choice(parser: argparse.ArgumentParser, number: int) -> None:
    """Adds the options --number and --indices."""
    parser.add_argument('--number', type=int, default=number, help=f'number of samples, at equal distances ({number})')
    parser.add_argument('--indices', type=int, nargs='+', help='indices of samples, instead of --number')


def read_config(args: argparse.Namespace) -> Config:
    """The config of the command line."""
    cfg = Config.fromfile(args.config)
    override(cfg, args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    return cfg


def build_samples(cfg: Config, split: str) -> list[Sample]:
    """All samples of a data loader, of the datasets inside wrappers."""
    datasets = leaf_datasets(DATASETS.build(cfg[f'{split}_dataloader'].dataset))
    return [(dataset, index) for dataset in datasets for index in range(len(dataset))]


def leaf_datasets(dataset) -> Iterator[AVSegDataset]:
    """The datasets inside ``ConcatDataset``, ``RepeatDataset`` and other wrappers."""
    if isinstance(dataset, AVSegDataset):
        yield dataset
        return
    for inner in getattr(dataset, 'datasets', None) or [dataset.dataset]:
        yield from leaf_datasets(inner)


def choose(total: int, args: argparse.Namespace) -> list[int]:
    """Indices of the samples selected by the command line.

    Raises:
        ValueError: An index does not exist.
    """
    if args.indices:
        if max(args.indices) >= total or min(args.indices) < 0:
            raise ValueError(f'--indices must lie in [0, {total - 1}], the dataset has {total} samples')
        return args.indices
    if args.number < 1:
        raise ValueError(f'--number must be at least 1, got {args.number}')
    return np.unique(np.linspace(0, total - 1, min(args.number, total)).round().astype(int)).tolist()


def load_results(sample: Sample) -> dict:
    """The results of the loading steps of a pipeline, without audio: ``img``, ``gt_seg_map``, ``audio_label`` and
    others.

    Raises:
        ValueError: The pipeline loads no masks.
    """
    dataset, index = sample
    results = copy.deepcopy(dataset.get_data_info(index))
    for transform in dataset.pipeline.transforms:
        name = type(transform).__name__
        if name.startswith('Load') and name != 'LoadAudio':
            results = transform(results)
    if 'gt_seg_map' not in results:
        raise ValueError("the pipeline of the dataset loads no masks: add dict(type='LoadAVAnnotations')")
    return results


def load(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """The image (H, W, 3), RGB, and the class indices (H, W) of a sample, as its pipeline loads them."""
    results = load_results(sample)
    return np.ascontiguousarray(results['img'][..., ::-1]), results['gt_seg_map']


def read_prediction(folder: str, sample: Sample, shape: Sequence[int]) -> np.ndarray:
    """The class indices (H, W) that `tools/test.py --out` has written for a sample.

    Args:
        folder: The folder of --out.
        sample: The sample.
        shape: Height and width of its label.

    Raises:
        FileNotFoundError, ValueError: The prediction is missing or has another size; the message contains a remedy.
    """
    dataset, index = sample
    record = dataset.get_data_info(index)
    name = osp.basename(record.get('seg_map_path') or record['img_path'])
    path = osp.join(folder, record.get('clip', ''), osp.splitext(name)[0] + '.png')
    if not osp.isfile(path):
        raise FileNotFoundError(
            f'prediction not found: {path}. Write the predictions of this config with tools/test.py CONFIG CHECKPOINT '
            f'--out {folder}'
        )
    prediction = np.asarray(Image.open(path))
    if prediction.shape != tuple(shape[:2]):
        raise ValueError(
            f'{path} has the size {prediction.shape}, the label of the sample {tuple(shape[:2])} (height, width): '
            'was it written with another config?'
        )
    return prediction


def parse_named_folders(words: Sequence[str]) -> dict[str, str]:
    """``NAME=FOLDER`` or ``FOLDER`` of the command line: name -> folder. NAME defaults to the path."""
    folders = {}
    for word in words:
        name, separator, folder = word.partition('=')
        name, folder = (name, folder) if separator else (osp.basename(osp.normpath(word)), word)
        if not osp.isdir(folder):
            raise ValueError(f'{folder} is not a folder; write predictions with tools/test.py --out {folder}')
        if name in folders:
            raise ValueError(f'{name} is named twice; give each folder its own name: NAME=FOLDER')
        folders[name] = folder
    return folders
