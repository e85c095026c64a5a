import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from tiny_config import write_tiny_config

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'analysis_tools' / 'attention_maps.py'


@pytest.fixture
def draw(monkeypatch, tmp_path, vpo_root):
    config = write_tiny_config(tmp_path / 'tiny.py', vpo_root)
    init_default_scope('mmseg')
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(str(config)).model)
    torch.save(dict(state_dict=model.state_dict(), meta={}), tmp_path / 'weights.pth')

    def run(*args):
        words = [str(TOOL), str(config), str(tmp_path / 'weights.pth'), '--device', 'cpu', *map(str, args)]
        monkeypatch.syspath_prepend(str(TOOL.parent))
        monkeypatch.setattr(sys, 'argv', words)
        runpy.run_path(str(TOOL), run_name='__main__')

    return run


def test_pictures_of_all_heads(draw, tmp_path):
    draw('--output-dir', tmp_path / 'out', '--number', 2)
    found = sorted((tmp_path / 'out').glob('*.png'))
    assert len(found) == 2
    picture = cv2.imread(str(found[0]))
    assert picture.shape[1] >= 5 * 320  # image, mean, and three of the four heads in a row
    colored = np.ptp(picture.astype(int), axis=2) > 60
    assert colored[len(picture) // 2 :].mean() > 0.05


def test_index_beyond_the_data_set(draw, tmp_path):
    with pytest.raises(SystemExit, match='--indices must lie in'):
        draw('--output-dir', tmp_path / 'out', '--indices', -1)
