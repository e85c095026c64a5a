"""The Python code in the pages runs as it is."""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch
from mmengine.config import Config, DictAction
from mmengine.optim import build_optim_wrapper
from mmengine.runner import CheckpointLoader
from mmengine.visualization import Visualizer
from mmseg.registry import VISUALIZERS
from PIL import Image
from tiny_config import write_short_run
from torch import nn

ROOT = Path(__file__).resolve().parents[1]


def snippets(page, start=''):
    """The Python blocks of a page that begin with ``start``."""
    blocks = re.findall(r'```python\n(.*?)```', (ROOT / page).read_text(encoding='utf-8'), flags=re.DOTALL)
    return [block for block in blocks if block.startswith(start)]


@pytest.mark.slow
def test_config_of_an_audio_visual_model(tmp_path, mini_root, run_tool):
    """The config of docs/add_audio.md trains in the folder that the page names."""
    (text,) = snippets('docs/add_audio.md')
    folder = tmp_path / 'configs' / 'other_models'
    folder.mkdir(parents=True)
    (tmp_path / 'configs' / '_base_').symlink_to(ROOT / 'configs' / '_base_')
    (folder / 'my_model.py').write_text(text)
    out = run_tool('train.py', write_short_run(tmp_path / 'short.py', folder / 'my_model.py', mini_root))
    losses = [float(loss) for loss in re.findall(r' decode.loss_ce: (\S+)', out)]
    assert len(losses) == 2 and all(0 < loss < 10 for loss in losses)


def train_one_step(run_tool, *options):
    """Trains and validates my_config.py of the current folder; returns the log."""
    options = [*options, 'train_cfg.max_iters=1', 'train_cfg.val_interval=1', 'train_dataloader.batch_size=2']
    options += [f'{name}_dataloader.num_workers=0' for name in ('train', 'val', 'test')]
    options += [f'{name}_dataloader.persistent_workers=False' for name in ('train', 'val', 'test')]
    out = run_tool('train.py', 'my_config.py', '--cfg-options', 'default_hooks.logger.interval=1', *options)
    assert re.search(r'Iter\(train\).* loss: \d', out) and re.search(r'Iter\(val\).*mIoU: \d', out)
    return out


@pytest.mark.slow
def test_dataset_of_your_own(tmp_path, run_tool, monkeypatch):
    """The dataset class and the config of data/README.md train and validate on the folder layout of the page."""
    (code,), (config,) = (snippets('data/README.md', start) for start in ('import os.path', '_base_'))
    (tmp_path / 'my_dataset.py').write_text(code)
    (tmp_path / 'my_config.py').write_text(config)
    (tmp_path / 'configs').symlink_to(ROOT / 'configs')
    write_own_tree(tmp_path / 'data' / 'mine')
    monkeypatch.syspath_prepend(tmp_path)
    train_one_step(run_tool)


def test_parts_of_your_own(tmp_path, run_tool, monkeypatch):
    """Dataset, audio backbone, fusion and metric of CONTRIBUTING.md train and validate together."""
    (config,) = snippets('CONTRIBUTING.md', '_base_')
    parts = [block for block in snippets('CONTRIBUTING.md') if block != config]
    for i, block in enumerate(parts):  # a module of its own for each: every block must be complete
        (tmp_path / f'part_{i}.py').write_text(block)
    (tmp_path / 'my_parts.py').write_text(''.join(f'import part_{i}\n' for i in range(len(parts))))
    (tmp_path / 'my_config.py').write_text(config)
    (tmp_path / 'configs').symlink_to(ROOT / 'configs')
    write_own_tree(tmp_path / 'data' / 'mine')
    monkeypatch.syspath_prepend(tmp_path)
    out = train_one_step(run_tool)
    assert 0 <= float(re.search(r'foreground/accuracy: (\S+)', out).group(1)) <= 100
    model = Config.fromfile(tmp_path / 'my_config.py').model
    assert (model.audio_backbone.type, model.fusion.type) == ('SmallAudioNet', 'GatedFusion')


def write_own_tree(root):
    """Two samples for each split, listed in CSV (data/README.md) and JSON lines (CONTRIBUTING.md)."""
    rng = np.random.default_rng(0)
    for folder in ('images', 'masks', 'sounds'):
        (root / folder).mkdir(parents=True)
    for split in ('train', 'val'):
        rows, records = ['image,mask,sound,position,class'], []
        for i in range(2):
            name, mask = f'{split}{i}', np.zeros((40, 60), np.uint8)
            mask[10:30, 20:40] = 1 + i
            Image.fromarray(rng.integers(0, 255, (40, 60, 3), np.uint8)).save(root / 'images' / f'{name}.jpg')
            Image.fromarray(mask).save(root / 'masks' / f'{name}.png')
            soundfile.write(root / 'sounds' / f'{name}.wav', rng.uniform(-0.3, 0.3, 16000), 16000)
            rows.append(f'{name}.jpg,{name}.png,{name}.wav,0.5,{("drum", "flute")[i]}')
            files = dict(image=f'images/{name}.jpg', mask=f'masks/{name}.png', audio=f'sounds/{name}.wav')
            records.append(json.dumps(dict(**files, position=0.5, label=1 + i)))
        (root / f'{split}.csv').write_text('\n'.join(rows))
        (root / f'{split}.jsonl').write_text('\n'.join(records))


@pytest.fixture
def logging_config(tmp_path):
    """The config of docs/training.md that adds TensorBoard and Weights & Biases."""
    (text,) = snippets('docs/training.md', "_base_ = './configs")
    (tmp_path / 'configs').symlink_to(ROOT / 'configs')
    (tmp_path / 'my_config.py').write_text(text)
    return Config.fromfile(tmp_path / 'my_config.py')


def test_logging_backends(logging_config, tmp_path, monkeypatch):
    pytest.importorskip('tensorboard')
    logged, started = {}, {}
    wandb = ModuleType('wandb')
    wandb.init = lambda **settings: started.update(settings)
    wandb.log = lambda values, **kwargs: logged.update(values)
    wandb.run = SimpleNamespace(dir=str(tmp_path), log_code=lambda name: None)
    wandb.define_metric = lambda *names, **kwargs: None
    wandb.join = lambda: None
    monkeypatch.setitem(sys.modules, 'wandb', wandb)
    monkeypatch.setattr(Visualizer, '_instance_dict', {})
    visualizer = VISUALIZERS.build(dict(logging_config.visualizer, save_dir=str(tmp_path / 'out'), name='snippet'))
    visualizer.add_scalar('loss', 0.5, step=1)
    assert logged == dict(loss=0.5) and started['project'] == 'mmavs'
    assert list((tmp_path / 'out').rglob('events.out.tfevents.*'))
    assert '0.5' in next((tmp_path / 'out').rglob('scalars.json')).read_text()
    visualizer.close()


def test_base_config_of_mmseg_without_pretrained_weights(tmp_path):
    (text,) = snippets('docs/training.md', "_base_ = 'mmseg")
    (tmp_path / 'my_config.py').write_text(text)
    assert Config.fromfile(tmp_path / 'my_config.py').model.pretrained is None


@pytest.mark.parametrize('option, weights', [('init_cfg=None', None), ('init_cfg.checkpoint=a.pth', 'a.pth')])
def test_cavp_without_a_download(option, weights):
    """The options of docs/training.md replace the weights that the config names."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    options = parser.parse_args(['--cfg-options', f'model.backbone.{option}']).cfg_options
    config = Config.fromfile(ROOT / 'configs' / 'cavp' / 'cavp_r50_vpo-msmi.py')
    assert config.model.backbone.init_cfg.checkpoint.startswith('open-mmlab://')
    config.merge_from_dict(options)
    assert (config.model.backbone.init_cfg or {}).get('checkpoint') == weights


def test_learning_rates_of_parts(tmp_path):
    """The `custom_keys` of docs/training.md lower the rate of the audio backbone alone."""
    (text,) = snippets('docs/training.md', 'optim_wrapper')
    base = ROOT / 'configs' / 'cavp' / 'cavp_r18_mini.py'
    (tmp_path / 'my_config.py').write_text(f'_base_ = {str(base)!r}\n{text}')
    config = Config.fromfile(tmp_path / 'my_config.py')
    model = nn.ModuleDict(dict(backbone=nn.Linear(1, 1), audio_backbone=nn.Linear(1, 1)))
    groups = build_optim_wrapper(model, config.optim_wrapper).optimizer.param_groups
    rates = {id(p): group['lr'] for group in groups for p in group['params']}
    visual, audio = (rates[id(model[name].weight)] for name in ('backbone', 'audio_backbone'))
    assert audio == pytest.approx(0.1 * visual)


def test_config_of_an_own_project(tmp_path, monkeypatch):
    """The config of docs/own_project.md inherits from the package, and the page's command writes it in full."""
    (text,) = snippets('docs/own_project.md')
    (tmp_path / 'my_config.py').write_text(text)
    monkeypatch.chdir(tmp_path)
    page = (ROOT / 'docs' / 'own_project.md').read_text(encoding='utf-8')
    exec(re.search(r'^python -c "(import mmavs; from .*)"$', page, flags=re.MULTILINE).group(1), {})
    config = Config.fromfile('my_config_full.py')
    assert config.train_dataloader.batch_size == 4 and config.model.type == 'AVEncoderDecoder'


def test_weights_are_found_in_the_cache(tmp_path, monkeypatch):
    """The files that docs/training.md lists are read from the cache folder, without a download."""
    text = (ROOT / 'docs' / 'training.md').read_text(encoding='utf-8')
    files = dict(re.findall(r'\| `(open-mmlab://\w+)` \| `(\S+\.pth)` \|', text))
    assert len(files) == 2
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    (tmp_path / 'hub' / 'checkpoints').mkdir(parents=True)
    for weights, file in files.items():
        torch.save(dict(name=weights), tmp_path / 'hub' / 'checkpoints' / file)
        assert CheckpointLoader.load_checkpoint(weights) == dict(name=weights)


def test_import_order():
    """mmavs first, then mmseg.apis, in a new process."""
    (code,) = snippets('docs/install.md')
    subprocess.run([sys.executable, '-W', 'ignore', '-c', code], check=True, capture_output=True)
