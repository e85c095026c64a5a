import pytest
from shipped_configs import LEAVES, load

from mmavs.utils.config_overrides import override

MINI = 'cavp/cavp_r18_mini.py'  # its training set is a ConcatDataset
SMALL = 'cavp/cavp_r18_small-224.py'  # its training is counted in iterations


def values_of(node, key):
    """All values of a key in nested containers."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from [value] if name == key else values_of(value, key)
    elif isinstance(node, (list, tuple)):
        for value in node:
            yield from values_of(value, key)


@pytest.mark.parametrize('path', LEAVES, ids=lambda path: path.stem)
def test_data_root_is_replaced_in_all_data_sets_of_every_config(path):
    cfg = load(path)
    former = cfg.data_root
    roots = list(values_of(cfg.to_dict(), 'data_root'))
    override(cfg, {'data_root': '/new'})
    found = list(values_of(cfg.to_dict(), 'data_root'))
    assert found == [root.replace(former, '/new') for root in roots] and len(found) >= 4


def test_data_root_of_other_data_sets_stays():
    cfg = load(MINI)
    cfg.val_dataloader.dataset.data_root = 'elsewhere'
    override(cfg, {'data_root': '/new'})
    assert cfg.val_dataloader.dataset.data_root == 'elsewhere'


def test_named_step_is_replaced_in_all_pipelines():
    cfg = load(MINI)
    former = cfg.load_audio.duration
    override(cfg, {'load_audio.duration': 2.0})
    assert former != 2.0 and set(values_of(cfg.to_dict(), 'duration')) == {2.0}
    assert len(list(values_of(cfg.to_dict(), 'duration'))) >= 6


@pytest.mark.parametrize(
    'config, key, message',
    [
        (SMALL, 'train_cfg.max_epochs', r"train_cfg is of type IterBasedTrainLoop, .*; did you mean 'max_iters'\?"),
        (MINI, 'train_dataloader.dataset.data_root', r'ConcatDataset, .*data_root=FOLDER sets it in all datasets'),
        (MINI, 'train_dataloader.dataset.datasets.0.subsett', r"VPODataset, .*did you mean 'subset'\?"),
        (MINI, 'val_dataloader.dataset.splitt', r"VPODataset, .*did you mean 'split'\?"),
        (MINI, 'train_cgf.max_epochs', r"the config has no 'train_cgf'; did you mean 'train_cfg'\?"),
    ],
)
def test_keys_that_do_not_apply_are_named(config, key, message):
    with pytest.raises(ValueError, match=f'--cfg-options {key}: .*{message}'):
        override(load(config), {key: 'value'})


def test_other_keys_are_merged():
    cfg = load(MINI)
    changes = {
        'train_cfg.max_epochs': 2,
        'compile': True,
        'train_dataloader.dataset.datasets.0.indices': 4,
        'model.backbone.with_cp': True,
        'default_hooks.checkpoint.interval': 3,
        'param_scheduler.0.end': 2,
    }
    override(cfg, changes)
    assert cfg.train_cfg.max_epochs == 2 and cfg.compile is True and cfg.model.backbone.with_cp
    assert cfg.train_dataloader.dataset.datasets[0].indices == 4 and cfg.param_scheduler[0].end == 2
