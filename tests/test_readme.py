"""What the pages for users say must be so: files they name exist, tools know the options, targets are there."""

import io
import os
import re
import runpy
import shlex
import sys
from contextlib import redirect_stdout
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image
from tiny_config import write_short_run

ROOT = Path(__file__).resolve().parents[1]
PAGES = ['README.md', 'data/README.md', 'configs/cavp/README.md', 'configs/other_models/README.md']


def commands():
    """(page, words) of every command in a bash block."""
    for page in PAGES:
        for block in re.findall(r'```bash\n(.*?)```', (ROOT / page).read_text(), flags=re.DOTALL):
            for line in block.replace('\\\n', ' ').splitlines():
                words = shlex.split(line, comments=True)
                if words:
                    yield pytest.param(words, id=' '.join(words)[:60])


@lru_cache
def help_of(tool):
    """What it prints for ``--help``, in this process, which has imported already what tools need."""
    path, argv, out = list(sys.path), sys.argv, io.StringIO()
    sys.path.insert(0, str((ROOT / tool).parent))
    sys.argv = [tool, '--help']
    try:
        with redirect_stdout(out), pytest.raises(SystemExit) as end:
            runpy.run_path(str(ROOT / tool), run_name='__main__')
    finally:
        sys.path[:], sys.argv = path, argv
    assert not end.value.code, f'{tool} --help fails'
    return out.getvalue()


@pytest.mark.parametrize('words', commands())
def test_command(words):
    if words[0] == 'make':
        for target in words[1:]:
            assert re.search(rf'^{target}:', (ROOT / 'Makefile').read_text(), flags=re.MULTILINE), target
    elif words[0] in ('python', 'bash'):
        assert (ROOT / words[1]).is_file()
        tool = words[1].replace('dist_train.sh', 'train.py').replace('dist_test.sh', 'test.py')
        for word in words[2:]:
            if word.startswith('--'):
                assert word in help_of(tool), f'{tool} does not know {word}'
            elif word.startswith('configs/'):
                assert (ROOT / word).is_file(), word
    else:
        assert words[0] in ('pip', 'source'), f'unknown command {words[0]}'


@pytest.mark.parametrize('page', PAGES)
def test_links(page):
    folder = (ROOT / page).parent
    for target in re.findall(r'\]\((?!https?://|#)([^)#]+)', (ROOT / page).read_text()):
        assert os.path.exists(folder / target), f'{page} points to {target}'


@pytest.mark.parametrize('page', PAGES)
def test_anchors(page):
    """Links to a heading, by the name that GitHub gives it."""
    for target, anchor in re.findall(r'\]\(((?!https?://)[^)#\s]*)#([^)]+)\)', (ROOT / page).read_text()):
        text = ((ROOT / page).parent / target if target else ROOT / page).read_text()
        heads = re.findall(r'^#+ (.*)$', text, flags=re.MULTILINE)
        assert anchor in {re.sub(r'[^\w\- ]', '', head).lower().replace(' ', '-') for head in heads}, anchor


@pytest.mark.parametrize('config', sorted(p.name for p in (ROOT / 'configs' / 'cavp').glob('*.py')))
def test_every_config_is_in_the_metafile(config):
    assert f'Config: configs/cavp/{config}\n' in (ROOT / 'configs' / 'cavp' / 'metafile.yaml').read_text()


def test_config_of_a_model_of_your_own(tmp_path, mini_root, run_tool):
    """The config of README.md, saved where README.md says, trains as it stands."""
    (text,) = re.findall(r'```python\n(.*?)```', (ROOT / 'README.md').read_text(), flags=re.DOTALL)
    folder = tmp_path / 'configs' / 'other_models'
    folder.mkdir(parents=True)
    (tmp_path / 'configs' / '_base_').symlink_to(ROOT / 'configs' / '_base_')
    (folder / 'my_model.py').write_text(text)
    out = run_tool('train.py', write_short_run(tmp_path / 'short.py', folder / 'my_model.py', mini_root))
    losses = [float(loss) for loss in re.findall(r' decode.loss_ce: (\S+)', out)]
    assert len(losses) == 2 and all(0 < loss < 10 for loss in losses)


def test_a_set_of_your_own(tmp_path, run_tool, monkeypatch):
    """The dataset class and the config of data/README.md, with the tree that it shows, train and are tested."""
    blocks = re.findall(r'```python\n(.*?)```', (ROOT / 'data' / 'README.md').read_text(), flags=re.DOTALL)
    (code,), (config,) = ([b for b in blocks if b.startswith(head)] for head in ('import csv', '_base_'))
    (tmp_path / 'my_dataset.py').write_text(code)
    (tmp_path / 'my_config.py').write_text(config)
    (tmp_path / 'configs').symlink_to(ROOT / 'configs')
    write_own_tree(tmp_path / 'data' / 'mine')
    monkeypatch.syspath_prepend(tmp_path)
    options = ['train_cfg.max_iters=1', 'train_cfg.val_interval=1', 'train_dataloader.batch_size=2']
    options += [f'{name}_dataloader.num_workers=0' for name in ('train', 'val', 'test')]
    options += [f'{name}_dataloader.persistent_workers=False' for name in ('train', 'val', 'test')]
    out = run_tool('train.py', 'my_config.py', '--cfg-options', 'default_hooks.logger.interval=1', *options)
    assert re.search(r'Iter\(train\).* loss: \d', out) and re.search(r'Iter\(val\).*mIoU: \d', out)


def write_own_tree(root):
    rng = np.random.default_rng(0)
    for folder in ('images', 'masks', 'sounds'):
        (root / folder).mkdir(parents=True)
    for split in ('train', 'val'):
        rows = ['image,mask,sound,position,class']
        for i in range(2):
            name, mask = f'{split}{i}', np.zeros((40, 60), np.uint8)
            mask[10:30, 20:40] = 1 + i
            Image.fromarray(rng.integers(0, 255, (40, 60, 3), np.uint8)).save(root / 'images' / f'{name}.jpg')
            Image.fromarray(mask).save(root / 'masks' / f'{name}.png')
            soundfile.write(root / 'sounds' / f'{name}.wav', rng.uniform(-0.3, 0.3, 16000), 16000)
            rows.append(f'{name}.jpg,{name}.png,{name}.wav,0.5,{("drum", "flute")[i]}')
        (root / f'{split}.csv').write_text('\n'.join(rows))
