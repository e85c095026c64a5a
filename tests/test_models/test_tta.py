"""Test-time augmentation: the mirrored image goes with the mirrored sound, and comes back to its place."""

import runpy
from pathlib import Path

import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.dataset import pseudo_collate
from mmseg.registry import DATASETS, MODELS
from torch import nn

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / 'configs' / 'hearing' / 'segformer_mit-b0_mini.py'


class Loudness(nn.Module):
    """Stands in for the audio network: how loud the left and the right channel are, (B, 2)."""

    def forward(self, log_mel):
        return log_mel.mean(dim=(2, 3))


def predict_louder_side(self, image, metas):
    """Stands in for the network: class 1 on the side of the louder channel; elsewhere class 2 where the image is
    bright, so that pixels must be in place."""
    left, right = torch.stack([meta['audio_embedding'] for meta in metas]).unbind(1)
    out = image.new_zeros(len(image), self.num_classes, *image.shape[2:])
    half = image.shape[3] // 2
    out[:, 1, :, :half] = 200 * (left - right)[:, None, None]
    out[:, 1, :, half:] = 200 * (right - left)[:, None, None]
    out[:, 2] = image.mean(dim=1)
    return out


@pytest.fixture
def cfg(vpo_root):
    cfg = Config.fromfile(CONFIG)
    cfg.test_dataloader.dataset.update(data_root=str(vpo_root), subset='ss', split='train')
    cfg.tta_pipeline[2].transforms[0] = [dict(type='Resize', scale_factor=1.0, keep_ratio=True)]
    runpy.run_path(str(ROOT / 'tools' / 'test.py'))['enable_tta'](cfg)
    return cfg


def predicted(cfg, monkeypatch):
    """Prediction of a sample with and without augmentation, by a network that mirrored inputs mirror exactly."""
    model = MODELS.build(ConfigDict(cfg.model))
    model.module.audio_backbone = Loudness()
    monkeypatch.setattr(type(model.module), 'encode_decode', predict_louder_side)
    data = pseudo_collate([DATASETS.build(cfg.test_dataloader.dataset)[0]])
    with torch.no_grad():
        (merged,) = model.test_step(data)
        first = {key: value[0] for key, value in data.items()}
        (plain,) = model.module.test_step(first)
    return data, plain.pred_sem_seg.data.squeeze(), merged.pred_sem_seg.data.squeeze()


def test_mirrored_image_goes_with_swapped_channels(cfg, monkeypatch):
    data, plain, merged = predicted(cfg, monkeypatch)
    (as_is, mirrored) = data['inputs']
    assert [samples[0].flip for samples in data['data_samples']] == [False, True]
    assert torch.equal(mirrored['img'][0], as_is['img'][0].flip(-1))
    assert torch.equal(mirrored['audio'][0], as_is['audio'][0].flip(0))
    assert not torch.equal(mirrored['audio'][0], as_is['audio'][0])
    assert set(plain.unique().tolist()) == {0, 1, 2} and torch.equal(plain, merged)


def test_a_mirror_that_forgets_the_sound_gives_another_prediction(cfg, monkeypatch):
    """Else the test above would say nothing."""
    for flip in cfg.test_dataloader.dataset.pipeline[2].transforms[1]:
        flip.type = 'RandomFlip'
    _, plain, merged = predicted(cfg, monkeypatch)
    assert not torch.equal(plain, merged)
