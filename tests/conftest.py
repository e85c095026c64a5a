"""Shared fixtures: reference data, generated datasets, and equal conditions for every test."""

import io
import os
import resource
import runpy
import signal
import sys
from collections import OrderedDict
from collections.abc import Callable
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pytest
import torch
from golden_files import golden_path
from hypothesis import HealthCheck, settings
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer

import mmavs  # noqa: F401  (must be imported before mmseg)
from mmavs.engine.runner.allocator import keep_freed_memory
from mmavs.visualization import AVSegLocalVisualizer

ROOT = Path(__file__).resolve().parents[1]

# One thread here and in every process that a test starts: the number decides the order of sums, and with it the last
# bits, and two test processes on two cores are faster so.
os.environ.setdefault('OMP_NUM_THREADS', '1')
torch.set_num_threads(1)
keep_freed_memory()

# The same examples in every run, without a deadline, since the machine may be busy.
settings.register_profile(
    'same', derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile('same')


@pytest.fixture(autouse=True)
def _seed() -> None:
    np.random.seed(0)
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _scope():
    """Sets the scope, as ``default_scope`` of a config does, so that mmengine builds from the registries of mmseg."""
    with DefaultScope.overwrite_default_scope('mmseg'):
        yield


@pytest.fixture(scope='module')
def one_thread():
    """One thread, because the number of threads determines the order of sums and with it the last bits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope='session')
def golden_file() -> Callable[[str], Path]:
    """Gives the path of a file of golden vectors by its name, or skips the test (see ``golden_files.py``)."""
    return golden_path


@pytest.fixture(scope='session')
def real_sample_dir() -> Path:
    """A small sample of real COCO and VGGSound files (``$MMAVS_REAL_SAMPLE``)."""
    folder = Path(os.environ.get('MMAVS_REAL_SAMPLE', ROOT.parent / 'shared' / 'real_sample'))
    if not folder.is_dir():
        pytest.skip(f'{folder} does not exist; set MMAVS_REAL_SAMPLE to a folder with real COCO and VGGSound files')
    return folder


@pytest.fixture(scope='session')
def vpo_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny VPO of the released layout, shared by all tests, which must not change it."""
    from vpo_tree import write_vpo_tree

    return write_vpo_tree(tmp_path_factory.mktemp('vpo'))


@pytest.fixture(scope='session')
def mini_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mini set with a few images, shared by all tests, which must not change it."""
    sys.path.insert(0, str(ROOT / 'tools' / 'dataset_converters'))
    from make_mini import make_mini

    root = tmp_path_factory.mktemp('data') / 'mini'
    make_mini(root, images=24, recordings=(3, 1), workers=1)
    return root


@pytest.fixture(scope='session')
def mini_avsbench_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generated AVSBench trees with few videos, shared by all tests, which must not change them."""
    sys.path.insert(0, str(ROOT / 'tools' / 'dataset_converters'))
    from make_mini_avsbench import make_mini_avsbench

    root = tmp_path_factory.mktemp('data') / 'mini-avsbench'
    make_mini_avsbench(root, clips=(8, 2, 2), recordings=(6, 1), workers=1)
    return root


@pytest.fixture
def run_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture):
    """Runs a tool in this process, which saves its start: ``run_tool('train.py', config, option, ...)`` returns its
    output. The work dir is ``tmp_path / 'work'``."""

    def run(name: str, *words: object) -> str:
        monkeypatch.setattr(sys, 'argv', [name, *map(str, words), '--work-dir', str(tmp_path / 'work')])
        monkeypatch.setenv('LOCAL_RANK', '0')
        # mmengine would give a second run the visualizer of the first, which has the same name, and hooks the latest.
        for visualizer in (AVSegLocalVisualizer, Visualizer):
            monkeypatch.setattr(visualizer, '_instance_dict', OrderedDict())
        capfd.readouterr()
        runpy.run_path(str(ROOT / 'tools' / name), run_name='__main__')
        return capfd.readouterr().out

    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # more of them mostly wait for one another
    yield run
    torch.set_num_threads(threads)


@pytest.fixture
def small_disk():
    """A context in which this process cannot write files above a number of bytes, as on a full disk."""

    @contextmanager
    def limited(size: int):
        limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
        try:
            with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):  # these may be files, too
                yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, handler)

    return limited
