"""What a converter reads from the config of a network."""

import torch
from mmengine.config import Config
from mmseg.registry import DATASETS, MODELS
from torch import nn

from .reading import ConversionError


def build_on_meta(cfg: Config) -> nn.Module:
    """The model of a config with shapes and no values."""
    model = cfg.model.to_dict()
    model.pop('data_preprocessor')
    if model['backbone']['type'] == 'TIMMBackbone':
        model['backbone']['pretrained'] = False
    with torch.device('meta'):
        return MODELS.build(model)


def dataset_meta(cfg: Config) -> dict:
    """Classes and colors, from the dataset that the config tests on; no data is needed.

    Raises:
        ConversionError: The decode head has another number of classes.
    """
    info = DATASETS.build(dict(cfg.test_dataloader.dataset, lazy_init=True)).metainfo
    if len(info['classes']) != cfg.model.decode_head.num_classes:
        raise ConversionError(
            f'{cfg.filename} has {cfg.model.decode_head.num_classes} classes in the head and '
            f'{len(info["classes"])} in test_dataloader.dataset: make them agree'
        )
    return dict(classes=tuple(info['classes']), palette=[list(map(int, color)) for color in info['palette']])
