"""Checkpoints as a training writes them, of tiny networks with random weights that react to picture and audio."""

from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmseg.registry import DATASETS, MODELS

ROOT = Path(__file__).resolve().parents[1]
TINY = dict(
    backbone=dict(depth=18, stem_channels=16, base_channels=16, init_cfg=None),
    neck=dict(in_channels=(16, 64), channels=12, low_level_channels=4, dilations=(1, 2)),
    audio_backbone=dict(base_channels=16, out_channels=16),
    fusion=dict(in_channels=16, audio_channels=16, hidden_channels=16),
    decode_head=dict(in_channels=16, channels=8),
)


def tiny_config(name='cavp/cavp_r18_mini.py', changes=TINY):
    """A config of the repository with a smaller network."""
    cfg = Config.fromfile(ROOT / 'configs' / name)
    cfg.merge_from_dict(dict(model=changes))
    return cfg


def make_lively(model, seed=0):
    """Gives the weights values with which the classes of the pixels depend on picture and audio."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1:
            fan = parameter[0].numel()
            parameter.data = torch.randn(parameter.shape, generator=generator) * (2 / fan) ** 0.5
        elif name.endswith('out_norm.weight'):
            parameter.data.fill_(1.0)
    return model.eval()


def write_checkpoint(path, cfg, *, text=None, meta=None, seed=0):
    """Writes a checkpoint; ``text`` replaces that of the config, ``meta`` the classes and colors."""
    with DefaultScope.overwrite_default_scope('mmseg'):
        model = make_lively(MODELS.build(cfg.model), seed)
    if meta is None:
        with DefaultScope.overwrite_default_scope('mmseg'):
            info = DATASETS.build(dict(cfg.test_dataloader.dataset, lazy_init=True)).metainfo
        meta = dict(classes=tuple(info['classes']), palette=[list(map(int, color)) for color in info['palette']])
    checkpoint = dict(
        state_dict=model.state_dict(),
        meta=dict(cfg=cfg.pretty_text if text is None else text, epoch=1, dataset_meta=meta),
    )
    torch.save(checkpoint, path)
    return str(path)
