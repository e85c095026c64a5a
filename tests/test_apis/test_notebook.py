"""The notebook of docs runs from top to bottom on the mini set."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

NOTEBOOK = Path(__file__).resolve().parents[2] / 'docs' / 'inference.ipynb'


@pytest.fixture
def place(tmp_path, checkpoint, mini_root, monkeypatch):
    """A folder with the mini set and a network, as `make demo` leaves them."""
    (tmp_path / 'work_dirs' / 'demo').mkdir(parents=True)
    shutil.copyfile(checkpoint, tmp_path / 'work_dirs' / 'demo' / 'best_mIoU_epoch_7.pth')
    (tmp_path / 'data').mkdir()
    (tmp_path / 'data' / 'mini').symlink_to(mini_root)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_all_cells_run(place):
    pytest.importorskip('av')
    import numpy as np
    from media import noise, write_video

    video = write_video(place / 'a.mp4', [np.full((48, 64, 3), 90, np.uint8)] * 3, sound=noise(1, 16000, 2))
    cells = [cell for cell in json.loads(NOTEBOOK.read_text(encoding='utf-8'))['cells'] if cell['cell_type'] == 'code']
    assert not any(cell['outputs'] for cell in cells), 'clear the outputs of the notebook'
    names = {}
    for cell in cells:
        exec(''.join(cell['source']).replace("video = ''", f'video = {video!r}'), names)
    assert names['inferencer'].training.startswith('trained on data/mini')
    assert Image.fromarray(names['result']['visualization']).width >= 640
    assert (place / 'work_dirs' / 'demo_results' / 'vis' / 'a.mp4').is_file()
