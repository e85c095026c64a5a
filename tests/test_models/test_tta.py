"""Test-time augmentation: a mirrored image has mirrored audio, and its prediction is mirrored back."""

import runpy
from pathlib import Path

import pytest
import torch
from mmcv.transforms import RandomFlip
from mmengine.config import Config, ConfigDict
from mmengine.dataset import pseudo_collate
from mmengine.structures import PixelData
from mmseg.registry import DATASETS, MODELS
from mmseg.structures import SegDataSample
from torch import nn

from mmavs.datasets import AVRandomFlip
from mmavs.models import AVSegTTAModel

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / 'configs' / 'other_models' / 'segformer_mit-b0_mini.py'


class Loudness(nn.Module):
    """Replaces the audio network: the loudness of the left and the right channel, (B, 2)."""

    def forward(self, log_mel):
        return log_mel.mean(dim=(2, 3))


def predict_louder_side(self, image, metas, prompts, window):
    """Replaces the network: class 1 on the side of the louder channel, elsewhere class 2 where the image is bright."""
    left, right = prompts['audio'].unbind(1)
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


def test_mirrored_image_has_swapped_audio_channels(cfg, monkeypatch):
    data, plain, merged = predicted(cfg, monkeypatch)
    (as_is, mirrored) = data['inputs']
    assert [samples[0].flip for samples in data['data_samples']] == [False, True]
    assert torch.equal(mirrored['img'][0], as_is['img'][0].flip(-1))
    assert torch.equal(mirrored['audio'][0], as_is['audio'][0].flip(0))
    assert not torch.equal(mirrored['audio'][0], as_is['audio'][0])
    assert set(plain.unique().tolist()) == {0, 1, 2} and torch.equal(plain, merged)


def test_mirrored_image_with_unchanged_audio_gives_another_prediction(cfg, monkeypatch):
    """Shows that the test above can fail."""
    monkeypatch.setattr(AVRandomFlip, '_flip', RandomFlip._flip)
    _, plain, merged = predicted(cfg, monkeypatch)
    assert not torch.equal(plain, merged)


class Segmentor(nn.Module):
    """The attributes of a segmentor that the merging reads."""

    def __init__(self, out_channels):
        super().__init__()
        self.out_channels = out_channels
        self.decode_head = nn.Module()
        self.decode_head.threshold = 0.3


def merge(views, out_channels):
    samples = [SegDataSample(seg_logits=PixelData(data=view)) for view in views]
    model = AVSegTTAModel.__new__(AVSegTTAModel)
    nn.Module.__init__(model)
    model.module = Segmentor(out_channels)
    (merged,) = model.merge_preds([samples])
    return merged.seg_logits.data, merged.pred_sem_seg.data


def test_merged_logits_are_those_of_the_mean_probability():
    """On the first pixel the mean of the probabilities decides otherwise than that of the logits."""
    views = [torch.tensor([9.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0]), torch.tensor([0.0, 4.0, 0.0])]
    views = [torch.stack([v, v.roll(1)], dim=1).view(3, 1, 2) for v in views]
    logits, pred = merge(views, out_channels=3)
    mean = torch.stack([v.softmax(dim=0) for v in views]).mean(dim=0)
    torch.testing.assert_close(logits.softmax(dim=0), mean)
    assert pred.tolist() == [[[1, 2]]] and torch.stack(views).mean(dim=0)[:, 0, 0].argmax() == 0


def test_merged_probability_of_a_single_output():
    """The views are probabilities already; the head's threshold decides."""
    probability, pred = merge([torch.tensor([[[0.1, 0.2]]]), torch.tensor([[[0.4, 0.6]]])], out_channels=1)
    torch.testing.assert_close(probability, torch.tensor([[[0.25, 0.4]]]))
    assert pred.tolist() == [[[0, 1]]]
