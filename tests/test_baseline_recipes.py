"""How the configs of TPAVI and AVSegFormer train, against the recipes of their references, and of CAVP on VPO."""

from typing import NamedTuple

import pytest
from shipped_configs import LEAVES, load

CONFIGS = [p for p in LEAVES if p.parent.name in ('tpavi', 'avsegformer') and '_mini' not in p.stem]
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


class Recipe(NamedTuple):
    """A training.

    Attributes:
        epochs: Length of the training.
        frames: Frames of a training step: clips times the 5 frames of AVSBench objects or the 10 of the longest clips
            of AVSBench-Semantic; images on VPO.
        frozen: Epochs in which the backbone is frozen.
        matching: Reduction over frames of TPAVI's matching loss, None where it has none.
    """

    epochs: int
    frames: int
    frozen: int = 0
    matching: str | None = None


RECIPES = {
    ('tpavi', 's4'): Recipe(15, frames=4 * 5),
    ('tpavi', 'ms3'): Recipe(30, frames=4 * 5, matching='sum'),
    ('tpavi', 'avss'): Recipe(60, frames=4 * 10, matching='mean'),
    ('tpavi', 'vpo'): Recipe(80, frames=16, matching='mean'),
    ('avsegformer', 's4'): Recipe(30, frames=2 * 5, frozen=5),
    ('avsegformer', 'ms3'): Recipe(60, frames=2 * 5, frozen=10),
    ('avsegformer', 'avss'): Recipe(30, frames=4 * 10),
    ('avsegformer', 'vpo'): Recipe(80, frames=16),
}
OPTIMIZERS = dict(tpavi=dict(type='Adam', lr=1e-4), avsegformer=dict(type='AdamW', lr=2e-5))


def test_there_are_configs():
    assert len(CONFIGS) >= 28


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_recipe(path):
    cfg, method = load(path), path.parent.name
    data = next(name for name in ('s4', 'ms3', 'avss', 'vpo') if name in path.stem)
    recipe = RECIPES[method, data]
    assert cfg.train_cfg.max_epochs == recipe.epochs and f'-{recipe.epochs}e_' in path.name
    assert cfg.auto_scale_lr.base_batch_size == recipe.frames
    assert recipe.frames % cfg.train_dataloader.batch_size == 0
    assert cfg.optim_wrapper == dict(type='OptimWrapper', optimizer=OPTIMIZERS[method])
    assert [(s['type'], s['factor']) for s in cfg.param_scheduler] == [('ConstantLR', 1.0)]
    frozen = [hook['epochs'] for hook in cfg.get('custom_hooks') or () if hook['type'] == 'FreezeHook']
    assert frozen == ([recipe.frozen] if recipe.frozen else [])
    assert not frozen or cfg.find_unused_parameters
    if method == 'tpavi':
        loss = cfg.model.decode_head.get('matching_loss')
        assert (loss and (loss.reduction, loss.loss_weight)) == (recipe.matching and (recipe.matching, 0.5))


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_batches_have_complete_clips(path):
    """At the original size, a test batch has one clip."""
    cfg = load(path)
    for key in LOADERS:
        loader = cfg[key]
        if 'vpo' in path.stem:
            assert loader.sampler.type == 'DefaultSampler'
            continue
        assert (loader.sampler.type, loader.batch_sampler.type) == ('ClipSampler', 'ClipBatchSampler')
        assert not loader.dataset.get('annotated_only')
        one_clip = loader.batch_sampler.get('one_clip', False)
        assert one_clip == ('512x512' in path.stem and key != 'train_dataloader')


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_audio_network(path):
    """VGGish on AVSBench; CAVP's on VPO, or VGGish by the name of the config; 128 outputs each."""
    cfg = load(path)
    stereo = 'vpo' in path.stem and 'vggish' not in path.stem
    audio = cfg.model.audio_backbone
    assert (audio.type, cfg.load_audio.channels) == (('AudioResNet', 2) if stereo else ('VGGish', 1))
    assert audio.out_channels == 128 and audio.get('frozen', False) != stereo
