from collections.abc import Iterator
from typing import Any

import numpy as np
from mmengine.hooks import Hook
from mmseg.registry import HOOKS

from mmavs.datasets import AVSegDataset
from mmavs.datasets.mask_reading import classes_in_mask, read_mask

_MASKS = 200


@HOOKS.register_module()
class MaskContentHook(Hook):
    """Warns before training if the masks of a dataset contain background only.

    This happens, for example, if masks with the values 0 and 255 are read with the default values, where 255 marks
    pixels to ignore. The model would then learn only background. Masks are read until one has an object, usually the
    first; at most 200 masks, evenly distributed over the dataset, are read.
    """

    priority = 'LOW'

    def before_train(self, runner: Any) -> None:
        """Checks each dataset of the training data loader."""
        for dataset in _leaf_datasets(runner.train_dataloader.dataset):
            if message := background_only(dataset):
                runner.logger.warning(message)


def background_only(dataset: AVSegDataset) -> str:
    """Returns the warning for a dataset whose masks contain background only, else ``''``.

    Masks that cannot be read are skipped, since training reports them.
    """
    values, count = set(), 0
    for index in np.linspace(0, len(dataset) - 1, min(_MASKS, len(dataset))).round().astype(int).tolist():
        record = dataset.get_data_info(index)
        if not (path := record.get('seg_map_path')):
            continue
        try:
            if classes_in_mask(read_mask(path, record)):
                return ''
            values |= set(np.unique(read_mask(path, {**record, 'label_table': None})).tolist())
        except (OSError, ValueError):
            continue
        count += 1
    if not count:
        return ''
    return (
        f'{dataset.ann_file or type(dataset).__name__}: {count} masks contain background only. Their values are '
        f'{sorted(values)}; the values of the classes are {_values(dataset)}. Set `mask_values` of the dataset, '
        'for example mask_values=(0, 255) if 255 is an object'
    )


def _values(dataset: AVSegDataset) -> str:
    known = np.flatnonzero(dataset.label_table < len(dataset.metainfo['classes'])).tolist()
    return f'{known}' if len(known) < 10 else f'{known[:5]} ... {known[-1]}'


def _leaf_datasets(dataset: Any) -> Iterator[AVSegDataset]:
    """The audio-visual datasets inside ``ConcatDataset``, ``RepeatDataset`` and other wrappers."""
    if isinstance(dataset, AVSegDataset):
        yield dataset
    for inner in getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]:
        if inner is not None:
            yield from _leaf_datasets(inner)
