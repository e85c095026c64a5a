"""tools/train.py, tools/test.py and their distributed variants, started as a user starts them.

Config, work dirs and output lie in folders with blanks and letters beyond ASCII.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import cv2
import pytest
import torch
from tiny_config import ROOT, write_tiny_config

TRAIN, TEST = ROOT / 'tools' / 'train.py', ROOT / 'tools' / 'test.py'
MMSEG_TOOLS = Path(find_spec('mmseg').origin).parent / '.mim' / 'tools'
METRICS = ('mIoU', 'mF', 'mFDR', 'mAcc', 'aAcc')
IMAGES, TEST_IMAGES, SIZE = 6, 3, (48, 64)
TIMEOUT = 300


class Run(NamedTuple):
    """A run that has ended."""

    code: int
    out: str
    err: str


def environment():
    """One thread per process, so that several do not slow each other down; mmavs need not be installed."""
    return {
        **os.environ,
        'OMP_NUM_THREADS': '1',
        'PYTHON': sys.executable,
        'PYTHONPATH': os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')]),
    }


def command(*words):
    first = [str(words[0])] if str(words[0]).endswith('.sh') else [sys.executable, str(words[0])]
    return first + [str(word) for word in words[1:]]


def run(*words, cwd, check=True, **env):
    done = subprocess.run(
        command(*words), cwd=cwd, env={**environment(), **env}, capture_output=True, text=True, timeout=TIMEOUT
    )
    if check:
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return Run(done.returncode, done.stdout, done.stderr)


def metrics_of(work_dir):
    """The metrics that the newest test in ``work_dir`` has written to its JSON file."""
    newest = max((path for path in work_dir.glob('*/*.json')), key=lambda path: path.stat().st_mtime)
    found = json.loads(newest.read_text().splitlines()[-1])
    return {name: found[name] for name in METRICS}


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return str(s.getsockname()[1])


@pytest.fixture(scope='module')
def config(tmp_path_factory, vpo_root):
    return write_tiny_config(tmp_path_factory.mktemp('cönfig file') / 'tiny.py', vpo_root)


@pytest.fixture(scope='module')
def trained(tmp_path_factory, config):
    """(work dir, output) of a training."""
    work_dir = tmp_path_factory.mktemp('training ü 音')
    return work_dir, run(TRAIN, config, '--work-dir', work_dir, cwd=work_dir).out


@pytest.fixture(scope='module')
def tested(tmp_path_factory, config, trained):
    """(folder, output) of a test that writes predictions and pictures."""
    folder = tmp_path_factory.mktemp('tést of it')
    result = run(
        TEST,
        config,
        trained[0] / 'epoch_2.pth',
        '--work-dir',
        folder / 'work',
        '--out',
        folder / 'out',
        '--show-dir',
        folder / 'show',
        cwd=folder,
    )
    return folder, result.out


def test_train_validates_and_saves(trained):
    work_dir, out = trained
    assert 'mIoU' in out and 'loss_contrast' in out and 'decode.loss_ce' in out
    assert (work_dir / 'epoch_2.pth').is_file() and list(work_dir.glob('best_mIoU_*.pth'))
    assert Path((work_dir / 'last_checkpoint').read_text().strip()).name == 'epoch_2.pth'
    meta = torch.load(work_dir / 'epoch_2.pth', weights_only=False)['meta']
    assert meta['epoch'] == 2 and len(meta['dataset_meta']['classes']) == 22


def test_test_prints_the_metrics_of_the_validation(trained, tested):
    folder, out = tested
    metrics = metrics_of(folder / 'work')
    assert all(0 <= value <= 100 for value in metrics.values())
    assert 'mIoU' in out and 'results per class' in out
    (validated,) = re.findall(r'Epoch\(val\) \[2\].*mIoU: (\S+)', trained[1])
    assert float(validated) == pytest.approx(metrics['mIoU'], abs=1e-2)


def test_out_contains_a_png_of_classes_for_each_image(tested):
    files = sorted((tested[0] / 'out').iterdir())
    assert len(files) == TEST_IMAGES and {path.suffix for path in files} == {'.png'}
    for path in files:
        prediction = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert prediction.shape == SIZE and prediction.dtype == 'uint8' and prediction.max() < 22


def test_show_dir_has_a_picture_of_each_image(tested):
    pictures = list((tested[0] / 'show').rglob('*.png'))
    assert len(pictures) == TEST_IMAGES
    assert all(cv2.imread(str(path)).shape[1] > 2 * SIZE[1] for path in pictures)


@pytest.mark.slow
def test_tta(tmp_path, config, trained):
    run(
        TEST,
        config,
        trained[0] / 'epoch_2.pth',
        '--work-dir',
        tmp_path / 'work',
        '--tta',
        '--out',
        tmp_path / 'out',
        cwd=tmp_path,
    )
    assert set(metrics_of(tmp_path / 'work')) == set(METRICS)
    files = list((tmp_path / 'out').iterdir())
    assert len(files) == TEST_IMAGES and all(cv2.imread(str(path)).shape[:2] == SIZE for path in files)


def epochs_in(out):
    return [int(epoch) for epoch in re.findall(r'Epoch\(train\)\s+\[(\d+)\]\[', out)]


@pytest.mark.slow
def test_resume_after_a_kill_loses_one_interval_at_most(tmp_path, config):
    words = [TRAIN, config, '--work-dir', tmp_path, '--resume', '--cfg-options', 'train_cfg.val_interval=1000']
    last, log = tmp_path / 'last_checkpoint', tmp_path / 'stdout'
    with log.open('w') as out:
        process = subprocess.Popen(
            command(*words, 'train_cfg.max_epochs=1000'),
            cwd=tmp_path,
            env=environment(),
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + TIMEOUT
        while not (last.is_file() and last.read_text().strip().endswith(('_3.pth', '_4.pth', '_5.pth'))):
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()[-3000:]
            time.sleep(0.02)
    finally:
        process.kill()  # SIGKILL
        process.wait()
    saved = int(re.search(r'epoch_(\d+)\.pth', last.read_text())[1])
    assert saved >= max(epochs_in(log.read_text())) - 1
    (tmp_path / f'epoch_{saved + 1}.pth').write_bytes(b'PK cut short while it was written')

    out = run(*words, f'train_cfg.max_epochs={saved + 2}', cwd=tmp_path).out
    assert f'resumed epoch: {saved}, ' in out
    assert sorted(set(epochs_in(out))) == [saved + 1, saved + 2]
    iterations = torch.load(tmp_path / f'epoch_{saved + 2}.pth', weights_only=False)['meta']['iter']
    assert iterations == (saved + 2) * (2 * IMAGES // 2) // 2


@pytest.mark.slow
def test_amp(tmp_path, config):
    out = run(
        TRAIN,
        config,
        '--work-dir',
        tmp_path,
        '--amp',
        '--cfg-options',
        'train_cfg.max_epochs=1',
        cwd=tmp_path,
        CUDA_VISIBLE_DEVICES='',
    ).out
    losses = [float(loss) for loss in re.findall(r' loss: (\S+)', out)]
    assert len(losses) == 3 and all(0 < loss < 100 for loss in losses)
    assert 'CPUAmpOptimWrapper' in out


@pytest.mark.slow
def test_tools_of_mmseg_take_the_same_config(tmp_path, config, trained, tested):
    run(
        MMSEG_TOOLS / 'train.py',
        config,
        '--work-dir',
        tmp_path / 'train',
        '--cfg-options',
        'train_cfg.max_epochs=1',
        cwd=tmp_path,
    )
    assert (tmp_path / 'train' / 'epoch_1.pth').is_file()
    run(MMSEG_TOOLS / 'test.py', config, trained[0] / 'epoch_2.pth', '--work-dir', tmp_path / 'test', cwd=tmp_path)
    assert metrics_of(tmp_path / 'test') == metrics_of(tested[0] / 'work')


@pytest.mark.slow
def test_two_processes_train(tmp_path, config):
    result = run(
        ROOT / 'tools' / 'dist_train.sh',
        config,
        2,
        '--work-dir',
        tmp_path,
        '--cfg-options',
        'default_hooks.checkpoint.interval=2',
        'model.backbone.norm_cfg.type=SyncBN',  # as in mmseg's own bases; torch has it for GPUs only
        cwd=tmp_path,
        PORT=free_port(),
        CUDA_VISIBLE_DEVICES='',
    )
    assert 'mIoU' in result.out
    meta = torch.load(tmp_path / 'epoch_2.pth', weights_only=False)['meta']
    assert meta['iter'] == 2 * (IMAGES // 2 // 2)  # each process has half of the images


@pytest.mark.slow
def test_two_processes_give_the_metrics_of_one(tmp_path, config, trained, tested):
    assert TEST_IMAGES % 2, 'an odd number, so that one process gets a repeated image, which must not count'
    run(
        ROOT / 'tools' / 'dist_test.sh',
        config,
        trained[0] / 'epoch_2.pth',
        2,
        '--work-dir',
        tmp_path,
        cwd=tmp_path,
        PORT=free_port(),
        CUDA_VISIBLE_DEVICES='',
    )
    assert metrics_of(tmp_path) == metrics_of(tested[0] / 'work')


@pytest.mark.parametrize('script', ['dist_train.sh', 'dist_test.sh'])
def test_dist_scripts_print_their_usage(tmp_path, script):
    result = run(ROOT / 'tools' / script, 'config.py', cwd=tmp_path, check=False)
    assert result.code == 2 and 'usage:' in result.err


@pytest.fixture
def own_root(tmp_path, vpo_root):
    return shutil.copytree(vpo_root, tmp_path / 'data')


@pytest.mark.slow
@pytest.mark.parametrize('workers', [0, 1])
def test_missing_recording_is_named(tmp_path, own_root, workers):
    shutil.rmtree(own_root / 'VGGSound' / 'audios')
    result = run(
        TRAIN,
        write_tiny_config(tmp_path / 'tiny.py', own_root),
        '--work-dir',
        tmp_path / 'work',
        '--cfg-options',
        f'train_dataloader.num_workers={workers}',
        cwd=tmp_path,
        check=False,
    )
    assert result.code != 0
    assert re.search(r'FileNotFoundError: recording not found: \S+_0000\d0\.wav', result.err)


@pytest.mark.slow
def test_truncated_image_is_named(tmp_path, own_root):
    for image in own_root.glob('VPO-MS*/data/*.jpg'):
        image.write_bytes(image.read_bytes()[:-200])
    result = run(
        TRAIN,
        write_tiny_config(tmp_path / 'tiny.py', own_root),
        '--work-dir',
        tmp_path / 'work',
        cwd=tmp_path,
        check=False,
    )
    assert result.code != 0
    assert re.search(r'TruncatedImageError: image is truncated: \S+/VPO-MS\w*/data/\d{12}\.jpg', result.err)


@pytest.mark.slow
def test_amp_refuses_other_optimizer_wrappers(tmp_path, config):
    result = run(TRAIN, config, '--amp', '--cfg-options', 'optim_wrapper.type=Other', cwd=tmp_path, check=False)
    assert result.code != 0 and '--amp needs optim_wrapper.type' in result.err


def test_folder_for_pictures_that_cannot_be_made_is_named(tmp_path, run_tool, config):
    (tmp_path / 'file').touch()
    with pytest.raises(OSError, match=r'cannot write .*file/show: Not a directory; a file has this name.*--show-dir'):
        run_tool('test.py', config, 'epoch_2.pth', '--show-dir', tmp_path / 'file' / 'show')
