"""`tools/test.py --tta` of the configs whose audio or image size differs from that of their base."""

import re

import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS
from tiny_config import ROOT, write_short_run

from mmavs.datasets.transforms import load_audio

SMALL = """
_base_ = {base!r}
model = dict(
    backbone=dict(stem_channels=16, base_channels=16),
    neck=dict(in_channels=(16, 128), channels=16, low_level_channels=8),
    audio_backbone=dict(base_channels=8, out_channels=24),
    fusion=dict(in_channels=24, audio_channels=24, hidden_channels=16),
    decode_head=dict(in_channels=24, channels=16),
)
own = dict(batch_size=1, num_workers=0, persistent_workers=False)
test_dataloader = dict(**own, dataset=dict(data_root={root!r}, subset='ms', indices=2))
"""


def run_tta(config, tmp_path, run_tool):
    torch.save(MODELS.build(Config.fromfile(config).model).state_dict(), tmp_path / 'model.pth')
    out = run_tool('test.py', config, tmp_path / 'model.pth', '--tta')
    assert re.search(r'(Epoch|Iter)\(test\).*mIoU: ', out)


def test_mono(tmp_path, mini_root, run_tool):
    """A regression test: test-time augmentation loaded stereo audio for a mono network."""
    config = write_short_run(tmp_path / 'short.py', ROOT / 'configs' / 'cavp' / 'cavp_r18_mini-mono.py', mini_root)
    run_tta(config, tmp_path, run_tool)


def test_silent(tmp_path, mini_root, run_tool, monkeypatch):
    """A regression test: test-time augmentation loaded audio in the control experiment without audio."""
    monkeypatch.setattr(load_audio, 'read_clip', lambda path, **_: pytest.fail(f'{path} is read'))
    config = write_short_run(tmp_path / 'short.py', ROOT / 'configs' / 'cavp' / 'cavp_r18_mini-silent.py', mini_root)
    run_tta(config, tmp_path, run_tool)


def test_small(tmp_path, vpo_root, run_tool, monkeypatch):
    """A regression test: images were not resized. Each view has a scale of 224 x 224."""
    config, sizes = tmp_path / 'small.py', []
    base = ROOT / 'configs' / 'cavp' / 'cavp_r18_small-224.py'
    config.write_text(SMALL.format(base=str(base), root=str(vpo_root)))
    kind = MODELS.get('AVEncoderDecoder')
    extract_feat = kind.extract_feat

    def record(self, inputs):
        sizes.append(tuple(inputs.shape[-2:]))
        return extract_feat(self, inputs)

    monkeypatch.setattr(kind, 'extract_feat', record)
    run_tta(config, tmp_path, run_tool)
    assert set(sizes) == {(168, 168), (224, 224), (280, 280)}
