"""The last line of `make demo`."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_config import write_tiny_config

from mmavs.datasets import VPODataset

TOOLS = Path(__file__).resolve().parents[2] / 'tools' / 'analysis_tools'
sys.path.insert(0, str(TOOLS))

from summarize_demo import summarize  # noqa: E402


def test_line_has_the_iou_of_each_class():
    """cat: 30 of 30 + 10 + 20 pixels; dog: none of 40."""
    confusion = np.array([[900, 10, 0], [20, 30, 0], [40, 0, 0]])
    line, is_found = summarize(confusion, ['background', 'cat', 'dog'], Path('pictures'))
    assert is_found
    assert 'pictures: image, ground truth, prediction. mIoU 47.6.' in line  # (900 / 970 + 0.5 + 0) / 3
    assert line.endswith('background 93, cat 50, dog 0') and '\n' not in line


def test_background_alone_is_no_object():
    confusion = np.array([[900, 5], [100, 5]])
    line, is_found = summarize(confusion, ['background', 'cat'], Path('pictures'))
    assert not is_found and line.startswith('No object found')


@pytest.fixture
def run(monkeypatch, tmp_path, vpo_root):
    """Summarizes predictions for a tiny test set; ``predict`` changes the labels."""
    config = write_tiny_config(tmp_path / 'tiny.py', vpo_root)
    dataset = VPODataset(data_root=str(vpo_root), subset='ms', split=['test', 'val'], lazy_init=False)

    def call(predict):
        for name in ('pred', 'pictures'):
            (tmp_path / name).mkdir(exist_ok=True)
        for record in (dataset.get_data_info(i) for i in range(len(dataset))):
            label = record['label_table'][np.array(Image.open(record['seg_map_path']))]
            Image.fromarray(predict(label)).save(tmp_path / 'pred' / Path(record['seg_map_path']).name)
        argv = ['summarize_demo.py', str(config), str(tmp_path / 'pred'), str(tmp_path / 'pictures')]
        monkeypatch.setattr(sys, 'argv', argv)
        runpy.run_path(str(TOOLS / 'summarize_demo.py'), run_name='__main__')

    return call


def test_exit_status(run, tmp_path, capsys):
    with pytest.raises(SystemExit, match='pictures has no picture'):
        run(lambda label: np.where(label == 255, 0, label))
    (tmp_path / 'pictures' / 'vis_image').mkdir()
    (tmp_path / 'pictures' / 'vis_image' / 'a.png').touch()
    run(lambda label: np.where(label == 255, 0, label))
    assert f'{tmp_path / "pictures" / "vis_image"}: image' in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        run(np.zeros_like)
    assert ended.value.code == 1
    assert 'No object found. mIoU' in capsys.readouterr().out
