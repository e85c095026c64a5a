"""The models in configs/other_models train and are tested with the tools, for a few steps on a small mini set."""

import json
import math
import re
import shutil

import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS
from PIL import Image
from tiny_config import ROOT, write_short_run

CONFIGS = sorted((ROOT / 'configs' / 'other_models').glob('*.py'))
MINI = [
    ROOT / 'configs' / name
    for name in ('ablations/image-only_r18_mini.py', 'tpavi/tpavi_r18_mini.py', 'avsegformer/avsegformer_r18_mini.py')
]
PICTURES = '\ndefault_hooks.update(visualization=dict(draw=True))\n'


def test_there_are_configs():
    assert len(CONFIGS) == 6


@pytest.mark.slow
@pytest.mark.parametrize('config', [CONFIGS[0], CONFIGS[-2], *MINI], ids=lambda path: path.stem)
def test_trains_and_is_tested(config, tmp_path, mini_root, run_tool):
    if 'TIMMBackbone' in config.read_text():
        pytest.importorskip('timm')
    short = write_short_run(tmp_path / 'short.py', config, mini_root)
    out = run_tool('train.py', short)
    losses = [float(loss) for loss in re.findall(r'Epoch\(train\).* loss: (\S+)', out)]
    assert len(losses) == 2 and all(math.isfinite(loss) for loss in losses)
    checkpoint = tmp_path / 'work' / 'epoch_1.pth'
    (validated,) = re.findall(r'Epoch\(val\) \[1\].*mIoU: (\S+)', out)
    assert 0 <= float(validated) <= 100
    tested = run_tool('test.py', short, checkpoint, '--out', tmp_path / 'out')
    assert re.search(r'Epoch\(test\).*mIoU: ', tested) and len(list((tmp_path / 'out').iterdir())) == 2
    checkpoint.unlink()  # of up to 170 MB


@pytest.mark.slow
def test_one_pixel_images_are_tested(tmp_path, mini_root, run_tool):
    root = shutil.copytree(mini_root, tmp_path / 'data')
    for path in [*root.glob('VPO-*/data/*.jpg'), *root.glob('VPO-*/mask/*.png')]:
        with Image.open(path) as image:
            pixel = image.crop((0, 0, 1, 1))
        pixel.save(path)
    config = ROOT / 'configs' / 'other_models' / 'segformer_mit-b0_mini.py'
    short = write_short_run(tmp_path / 'short.py', config, root)
    torch.save(MODELS.build(Config.fromfile(short).model).state_dict(), tmp_path / 'model.pth')
    out = run_tool('test.py', short, tmp_path / 'model.pth', '--out', tmp_path / 'out')
    assert re.search(r'Epoch\(test\).*mIoU: ', out)
    assert [Image.open(path).size for path in (tmp_path / 'out').iterdir()] == [(1, 1)] * 2


@pytest.mark.slow
def test_tensorboard(tmp_path, mini_root, run_tool):
    """A training writes TensorBoard files without any setting, and pictures of the validation where they are wanted."""
    pytest.importorskip('tensorboard')
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    config = ROOT / 'configs' / 'other_models' / 'segformer_mit-b0_mini.py'
    run_tool('train.py', write_short_run(tmp_path / 'short.py', config, mini_root, PICTURES))
    (written,) = (tmp_path / 'work').rglob('scalars.json')
    logged = [json.loads(line) for line in written.read_text().splitlines()]
    (events,) = (tmp_path / 'work').rglob('events.out.tfevents.*')
    board = EventAccumulator(str(events)).Reload()
    for name in ('loss', 'decode.loss_ce', 'loss_contrast', 'lr', 'mIoU'):
        expected = [entry[name] for entry in logged if name in entry]
        assert [event.value for event in board.Scalars(name)] == pytest.approx(expected) and expected
    assert len(board.Tags()['images']) == 2, 'a picture of each validation image'
