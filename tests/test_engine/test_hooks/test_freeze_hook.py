import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from tiny_config import write_tiny_config
from trainings import train
from vpo_tree import write_vpo_tree

from mmavs.engine.hooks import FreezeHook


class WeightsHook(Hook):
    """Copies the first weights of two parts before each epoch and after the last."""

    def __init__(self):
        self.seen = []

    def before_train_epoch(self, runner):
        parts = (runner.model.backbone, runner.model.decode_head)
        self.seen.append([next(p for p in part.parameters() if p.ndim > 1).detach().clone() for part in parts])

    after_train = before_train_epoch


def test_backbone_is_frozen_for_the_first_epoch_only(tmp_path):
    config = Config.fromfile(write_tiny_config(tmp_path / 'tiny.py', write_vpo_tree(tmp_path / 'data', num_images=4)))
    config.train_cfg.max_epochs = 2
    weights = WeightsHook()
    _, runner = train(config, tmp_path / 'work', hooks=(FreezeHook(epochs=1), weights))
    (backbone, head), (frozen, trained), (released, _) = weights.seen
    assert torch.equal(frozen, backbone) and not torch.equal(trained, head)
    assert not torch.equal(released, frozen)
    assert all(parameter.requires_grad for parameter in runner.model.backbone.parameters())


def test_unknown_part(tmp_path):
    config = Config.fromfile(write_tiny_config(tmp_path / 'tiny.py', write_vpo_tree(tmp_path / 'data', num_images=4)))
    with pytest.raises(AttributeError, match='encoder'):
        train(config, tmp_path / 'work', hooks=(FreezeHook(epochs=1, part='encoder'),))
