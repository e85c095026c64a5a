"""A sample before and after augmentation."""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from .sample_picture import SampleView

_NO_CLASS = 255


def loaded_view(transforms: Sequence[Any], record: dict) -> SampleView:
    """The sample after the loading transforms, whose class names begin with ``Load``.

    Args:
        transforms: All transforms of the pipeline.
        record: The record of the dataset, with the keys of ``BaseSegDataset.get_data_info``.

    Raises:
        ValueError: The pipeline loads no image or no audio.
    """
    loading = [t for t in transforms if type(t).__name__.startswith('Load')]
    return _to_view('before augmentation', _run(loading, record), moved=False)


def augmented_view(transforms: Sequence[Any], record: dict) -> SampleView | None:
    """The sample after all transforms except packing; None if a transform drops it.

    Arguments and errors as in :func:`loaded_view`. A crop by ``AVRandomCrop`` moves the positions of the sources.
    """
    moved = any(getattr(t, 'update_positions', False) for t in transforms)
    results = _run([t for t in transforms if not type(t).__name__.startswith('Pack')], record)
    return None if results is None else _to_view('after augmentation', results, moved=moved)


def _run(transforms: Sequence[Any], record: dict) -> dict | None:
    results = copy.deepcopy(record)
    for transform in transforms:
        results = transform(results)
        if results is None:
            return None
    return results


def _to_view(title: str, results: dict, *, moved: bool) -> SampleView:
    for key, transform in (('img', 'LoadFrame'), ('audio', 'LoadAudio')):
        if key not in results:
            raise ValueError(f'the pipeline of the dataset does not load {key}: add dict(type={transform!r})')
    image = results['img']
    segments = results.get('gt_seg_map', np.full(image.shape[:2], _NO_CLASS, np.uint8))
    left, right = (0.0, 1.0) if moved else results.get('crop_window', (0.0, 1.0, 0.0, 1.0))[2:]
    sources = [
        ((source['position'] - left) / (right - left), source.get('label'))
        for source in results['sources']
        if 'position' in source
    ]
    rgb = np.ascontiguousarray(np.clip(image, 0, 255).astype(np.uint8)[..., ::-1])
    sounding = tuple(results.get('audio_label') or ())
    return SampleView(title, rgb, segments, results['audio'].numpy(), sources, sounding)
