"""The pipelines of the base config on the tiny VPO."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS
from PIL import Image
from torch.utils.data import DataLoader

from mmavs.audio import SAMPLE_RATE
from mmavs.datasets.metainfo.vpo_classes import load_class_table

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=['vpo.py', 'vpo_mono.py'])
def config(request):
    return Config.fromfile(ROOT / 'configs/_base_/datasets' / request.param)


def build(config, root, loader, **changes):
    init_default_scope('mmseg')
    dataset = config[loader].dataset
    part = dataset.get('datasets', [dataset])[-1]  # one of those that are joined
    return DATASETS.build(dict(part, data_root=str(root), **changes))


def channels_of(config):
    return config.test_pipeline[1].channels


def test_train_pipeline(config, vpo_root):
    dataset = build(config, vpo_root, 'train_dataloader')
    for i in range(len(dataset)):
        sample = dataset[i]
        img, audio, data_sample = sample['inputs']['img'], sample['inputs']['audio'], sample['data_samples']
        assert img.dtype == torch.uint8
        assert img.shape[0] == 3
        assert audio.dtype == torch.float32
        assert audio.shape == (channels_of(config), 3 * SAMPLE_RATE)
        assert audio.abs().max() > 0.01
        assert data_sample.gt_sem_seg.data.shape == (1, *img.shape[1:])
        assert set(data_sample.gt_sem_seg.data.unique().tolist()) <= {0, *data_sample.audio_label, 255}
        assert data_sample.ori_shape == (48, 64)
        assert data_sample.img_shape == tuple(img.shape[1:])
        assert len(data_sample.sources) == 2
        assert set(data_sample.audio_label) == {s['label'] for s in data_sample.sources}


def test_test_pipeline(config, vpo_root):
    """Image and mask at their original size."""
    dataset = build(config, vpo_root, 'test_dataloader')
    assert len(dataset) == 6  # the splits test and val
    names = load_class_table().mask_ids
    for i in range(len(dataset)):
        sample = dataset[i]
        data_sample = sample['data_samples']
        assert sample['inputs']['img'].shape == (3, 48, 64)
        mask = np.asarray(Image.open(data_sample.seg_map_path))
        truth = [[255 if v == 255 else names.index(v) for v in line] for line in mask.tolist()]
        assert data_sample.gt_sem_seg.data[0].tolist() == truth


def test_sources_are_at_the_positions_of_their_objects(vpo_root):
    """With the flips of training, the center of each object is at the position of its source."""
    config = Config.fromfile(ROOT / 'configs/_base_/datasets/vpo_mini.py')
    dataset = build(config, vpo_root, 'train_dataloader', subset='ms', metainfo=None)
    flips = set()
    for i in [*range(len(dataset))] * 4:
        data_sample = dataset[i]['data_samples']
        flips.add(data_sample.flip)
        label = data_sample.gt_sem_seg.data[0]
        for source in data_sample.sources:
            columns = (label == source['label']).any(0).nonzero()
            assert abs((columns.min() + columns.max() + 1).item() / 2 / 64 - source['position']) < 1e-6
    assert flips == {True, False}


def test_flipped_training_sample_is_the_mirrored_test_sample(vpo_root):
    config = Config.fromfile(ROOT / 'configs/_base_/datasets/vpo.py')
    plain = config.test_pipeline
    mirrored = [*plain[:3], dict(type='AVRandomFlip', prob=1.0), plain[3]]
    a, b = (build(config, vpo_root, 'test_dataloader', pipeline=p)[0] for p in (plain, mirrored))
    assert torch.equal(b['inputs']['img'], a['inputs']['img'].flip(-1))
    assert torch.equal(b['inputs']['audio'], a['inputs']['audio'].flip(0))
    assert torch.equal(b['data_samples'].gt_sem_seg.data, a['data_samples'].gt_sem_seg.data.flip(-1))


def test_time_augmentation(config, vpo_root):
    """Six views: three sizes, original and mirrored, each with its audio."""
    sample = build(config, vpo_root, 'test_dataloader', pipeline=config.tta_pipeline)[0]
    views = list(zip(sample['inputs'], sample['data_samples'], strict=True))
    assert [tuple(v['img'].shape[1:]) for v, _ in views] == [(36, 48)] * 2 + [(48, 64)] * 2 + [(60, 80)] * 2
    assert [d.flip for _, d in views] == [False, True] * 3
    plain = views[0][0]['audio']
    for view, data_sample in views:
        assert torch.equal(view['audio'], plain.flip(0) if data_sample.flip else plain)
        assert data_sample.gt_sem_seg.data.shape == (1, 48, 64)
        assert torch.equal(data_sample.gt_sem_seg.data, views[0][1].gt_sem_seg.data)


def test_same_seed_same_sample(vpo_root):
    config = Config.fromfile(ROOT / 'configs/_base_/datasets/vpo.py')
    dataset = build(config, vpo_root, 'train_dataloader')
    samples = []
    for seed in (1, 1, 2):
        np.random.seed(seed)
        samples.append(dataset[0]['inputs']['img'])
    assert torch.equal(samples[0], samples[1])
    assert samples[0].shape != samples[2].shape or not torch.equal(samples[0], samples[2])


@pytest.mark.parametrize('workers', [0, 1])
def test_data_loader(vpo_root, workers):
    config = Config.fromfile(ROOT / 'configs/_base_/datasets/vpo.py')
    dataset = build(config, vpo_root, 'test_dataloader')
    loader = DataLoader(dataset, batch_size=4, num_workers=workers, collate_fn=pseudo_collate)
    batches = list(loader)
    assert [len(b['data_samples']) for b in batches] == [4, 2]
    assert [len(b['inputs']['img']) for b in batches] == [4, 2]
    for k, audio in enumerate(batches[0]['inputs']['audio']):
        assert torch.equal(audio, dataset[k]['inputs']['audio'])


def test_broken_file_stops_the_loading(vpo_root):
    """It is not replaced by another sample."""
    config = Config.fromfile(ROOT / 'configs/_base_/datasets/vpo.py')
    dataset = build(config, vpo_root, 'train_dataloader', audio_dir='nowhere')
    with pytest.raises(FileNotFoundError, match='recording not found: .*nowhere'):
        dataset[0]
