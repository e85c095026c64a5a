"""The configs of the generated AVSBench trees train and are tested with the tools, with all metrics in one run."""

import math
import re

import pytest
from mmengine.config import Config
from tiny_config import ROOT

from mmavs.data_tools.checking.check import check_config

SHORT = """
_base_ = {base!r}
own = dict(num_workers=0, persistent_workers=False)
train_dataloader = dict(batch_size=2, **own, dataset=dict(data_root={root!r}, indices=4))
val_dataloader = dict(**own, dataset=dict(data_root={root!r}, indices=5))
test_dataloader = dict(**own, dataset=dict(data_root={root!r}, indices=5))
train_cfg = dict(max_epochs=1, val_interval=1)
default_hooks = dict(logger=dict(interval=1), checkpoint=dict(save_optimizer=False, save_best=None))
"""


@pytest.mark.slow
@pytest.mark.parametrize('name', ['s4', 'ms3', 'avss'])
def test_trains_and_is_tested_by_both_protocols(name, tmp_path, mini_avsbench_root, run_tool):
    root = mini_avsbench_root / ('AVSBench-semantic' if name == 'avss' else 'AVSBench-object')
    config = ROOT / 'configs' / 'cavp' / f'cavp_r18_mini-{name}.py'
    (tmp_path / 'short.py').write_text(SHORT.format(base=str(config), root=str(root)), encoding='utf-8')
    out = run_tool('train.py', tmp_path / 'short.py')
    losses = [float(loss) for loss in re.findall(r'Epoch\(train\).* loss: (\S+)', out)]
    assert len(losses) == 2 and all(math.isfinite(loss) for loss in losses)
    checkpoint = tmp_path / 'work' / 'epoch_1.pth'
    tested = run_tool('test.py', tmp_path / 'short.py', checkpoint, '--out', tmp_path / 'out')
    (line,) = re.findall(r'Epoch\(test\).*mIoU: .*', tested)
    protocol = 'avsbench_semantic' if name == 'avss' else 'avsbench_object'
    names = set(re.findall(r'(\S+): ', line))
    assert {'mIoU', 'mF', 'mFDR'} <= names and any(n.startswith(f'{protocol}/') for n in names)
    assert len(list((tmp_path / 'out').rglob('*.png'))) == 5
    tta = run_tool('test.py', tmp_path / 'short.py', checkpoint, '--tta')
    assert re.search(rf'Epoch\(test\).*mIoU: .*{protocol}/', tta)


def test_the_check_reads_the_files_of_a_config(mini_avsbench_root):
    cfg = Config.fromfile(ROOT / 'configs' / 'cavp' / 'cavp_r50_avss-224.py')
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.dataset.data_root = str(mini_avsbench_root / 'AVSBench-semantic')
    problems, counts, loaders = check_config(cfg, workers=1)
    assert not [p for p in problems if p.level == 'error']
    assert counts['train samples'] == 4 + 4 * 5 + 4 * 10 and loaders['test'].clips == 3
