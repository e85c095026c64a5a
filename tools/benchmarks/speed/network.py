"""CAVP with ResNet-50 and its reference implementation, with the same weights and inputs."""

from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn

CONFIG = Path(__file__).resolve().parents[3] / 'configs' / 'cavp' / 'cavp_r50_vpo-msmi.py'
CLASSES = 22
_TINY = dict(
    data_preprocessor=dict(size=(64, 64)),
    backbone=dict(depth=18, stem_channels=16, base_channels=16, multi_grid=None, contract_dilation=False),
    neck=dict(in_channels=(16, 128), channels=12, low_level_channels=4, dilations=(1, 2)),
    audio_backbone=dict(base_channels=16, out_channels=16),
    fusion=dict(in_channels=16, audio_channels=16, hidden_channels=16, mlp_ratio=1.0),
    decode_head=dict(in_channels=16, channels=8, num_convs=1),
    contrast_loss=dict(max_views=32),
)


def load_config(tiny: bool) -> Config:
    """The config of the paper without pretrained weights, or that of a tiny network with the same parts."""
    cfg = Config.fromfile(CONFIG)
    cfg.model.backbone.init_cfg = None
    if tiny:
        cfg.merge_from_dict(dict(model=_TINY))
    return cfg


def build_model(cfg: Config, *, plain: bool) -> nn.Module:
    """The network with random weights, equal for both implementations."""
    model_cfg = cfg.model.copy()
    if plain:
        model_cfg.update(type='PlainAVEncoderDecoder', channels_last=False)
        model_cfg.fusion = dict(model_cfg.fusion, type='PlainFusion')
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmseg'):
        return MODELS.build(model_cfg)


def make_batch(size: tuple[int, int], images: int) -> dict:
    """Random images and audio. Each image has two rectangles of two classes, which are the sounding classes."""
    generator = torch.Generator().manual_seed(1)
    samples = []
    for i in range(images):
        classes = (1 + i % (CLASSES - 2), 2 + i % (CLASSES - 2))
        sample = SegDataSample(metainfo=dict(audio_label=classes, img_shape=size, ori_shape=size, pad_shape=size))
        sample.gt_sem_seg = PixelData(data=make_label(size, classes)[None])
        samples.append(sample)
    return dict(
        inputs=dict(
            img=[torch.randint(0, 256, (3, *size), dtype=torch.uint8, generator=generator) for _ in samples],
            audio=[0.3 * torch.randn(2, 48000, generator=generator) for _ in samples],
        ),
        data_samples=samples,
    )


def make_label(size: tuple[int, int], classes: tuple[int, int]) -> Tensor:
    """A rectangle of each class on background, each a ninth of the image."""
    height, width = size
    label = torch.zeros(size, dtype=torch.int64)
    for column, c in zip((0, width // 2), classes, strict=True):
        label[height // 3 : 2 * height // 3, column + width // 12 : column + width // 12 + width // 3] = c
    return label
