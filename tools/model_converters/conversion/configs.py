"""Model and dataset information from the config of a network."""

import torch
from mmengine.config import Config
from mmseg.registry import DATASETS, MODELS
from torch import nn

from .reading import ConversionError


def build_on_meta(cfg: Config) -> nn.Module:
    """Builds the model of a config on the meta device, with shapes but no values."""
    model = cfg.model.to_dict()
    model.pop('data_preprocessor')
    if model['backbone']['type'] == 'TIMMBackbone':
        model['backbone']['pretrained'] = False
    with torch.device('meta'):
        return MODELS.build(model)


def dataset_meta(cfg: Config) -> dict:
    """Classes and colors of the test dataset of a config; no data is needed.

    Raises:
        ConversionError: The decode head has another number of classes.
    """
    info = DATASETS.build(dict(cfg.test_dataloader.dataset, lazy_init=True)).metainfo
    if len(info['classes']) != cfg.model.decode_head.num_classes:
        raise ConversionError(
            f'{cfg.filename} has {cfg.model.decode_head.num_classes} classes in the head and '
            f'{len(info["classes"])} in test_dataloader.dataset: set both to the same number'
        )
    return dict(classes=tuple(info['classes']), palette=[list(map(int, color)) for color in info['palette']])
