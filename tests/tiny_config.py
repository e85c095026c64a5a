"""A config of the repository's, shrunk so that training takes seconds on a CPU."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

_TEXT = """
_base_ = {base!r}
model = dict(
    data_preprocessor=dict(size=(32, 48)),
    backbone=dict(
        depth=18, stem_channels=16, base_channels=16, multi_grid=None, contract_dilation=False, init_cfg=None
    ),
    neck=dict(in_channels=(16, 128), channels=12, low_level_channels=4, dilations=(1, 2)),
    audio_backbone=dict(base_channels=16, out_channels=16),
    fusion=dict(in_channels=16, audio_channels=16, hidden_channels=16, mlp_ratio=1.),
    decode_head=dict(in_channels=16, channels=8, num_convs=1),
    contrast_loss=dict(max_views=32))
crop = dict(type='RandomCrop', crop_size=(32, 48))
train_pipeline = [crop if step.type == 'RandomCrop' else step for step in _base_.train_pipeline]
own = dict(num_workers=0, persistent_workers=False)
train_dataloader = dict(batch_size=2, **own, dataset=dict(data_root={data_root!r}, pipeline=train_pipeline))
val_dataloader = dict(**own, dataset=dict(data_root={data_root!r}, subset='ms'))
test_dataloader = dict(**own, dataset=dict(data_root={data_root!r}, subset='ms'))
train_cfg = dict(max_epochs=2, val_interval=2)
param_scheduler = [dict(type='VisualPolyLR', power=0.9, begin=0, end=2, by_epoch=True, convert_to_iter_based=True)]
default_hooks = dict(logger=dict(interval=1))
"""


def write_tiny_config(path: Path, data_root: Path) -> Path:
    """Writes the config file ``path``: two epochs on ``data_root``, tests on VPO-MS."""
    base = ROOT / 'configs' / 'cavp' / 'cavp_r50_vpo-msmi.py'
    path.write_text(_TEXT.format(base=str(base), data_root=str(data_root)), encoding='utf-8')
    return path


_SHORT_RUN = """
_base_ = {base!r}
own = dict(batch_size=2, num_workers=0, persistent_workers=False)
train_sets = [dict(part, data_root={data_root!r}, indices=2) for part in _base_.train_dataloader.dataset.datasets]
train_dataloader = dict(**own, dataset=dict(datasets=train_sets))
val_dataloader = dict(**own, dataset=dict(data_root={data_root!r}, indices=2))
test_dataloader = dict(**own, dataset=dict(data_root={data_root!r}, indices=2))
train_cfg = dict(max_epochs=1, val_interval=1)
default_hooks = dict(logger=dict(interval=1), checkpoint=dict(save_optimizer=False, save_best=None))
"""


def write_short_run(path: Path, base: Path, data_root: Path, more: str = '') -> Path:
    """Writes the config file ``path``: two steps of ``base``, a config of the mini set. ``more`` is put below."""
    path.write_text(_SHORT_RUN.format(base=str(base), data_root=str(data_root)) + more, encoding='utf-8')
    return path
