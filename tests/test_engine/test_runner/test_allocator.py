"""keep_freed_memory changes the complete process, so each test starts a new process."""

import os
import platform
import resource
import subprocess
import sys

import pytest
from tiny_config import ROOT

VARIABLES = ('GLIBC_TUNABLES', 'MALLOC_MMAP_MAX_', 'MALLOC_MMAP_THRESHOLD_', 'MALLOC_TRIM_THRESHOLD_')
# Prints whether the settings were made and how many pages the kernel gave for 8 blocks of 40 MB, one after another.
SCRIPT = """
import resource, runpy, sys
keep_freed_memory = runpy.run_path(sys.argv[2])['keep_freed_memory']  # without the rest of mmavs, for speed
made = keep_freed_memory() if sys.argv[1] == 'keep' else False
size = 40_000_000
for i in range(10):
    if i == 2:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    b'x' * size
print(made, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
BLOCKS = 8 * 40_000_000 // resource.getpagesize()  # pages

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason='needs glibc')


def run(mode, **variables):
    env = {k: v for k, v in os.environ.items() if k not in VARIABLES}
    env.update(CUDA_VISIBLE_DEVICES='', **variables)
    command = [sys.executable, '-c', SCRIPT, mode, str(ROOT / 'mmavs' / 'engine' / 'runner' / 'allocator.py')]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    made, pages = done.stdout.split()
    return made == 'True', int(pages)


def test_freed_memory_is_used_again():
    made, pages = run('keep')
    assert made and pages < BLOCKS / 4


def test_equals_the_environment_variable_and_differs_from_the_default():
    variable = 'glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=17179869184'
    assert run('leave', GLIBC_TUNABLES=variable)[1] < BLOCKS / 4
    assert run('leave')[1] >= BLOCKS


@pytest.mark.parametrize(
    'variables', [dict(GLIBC_TUNABLES='glibc.malloc.mmap_max=65536'), dict(MALLOC_MMAP_MAX_='65536')]
)
def test_settings_of_the_user_are_kept(variables):
    made, pages = run('keep', **variables)
    assert not made and pages >= BLOCKS


def test_nothing_changes_with_a_gpu(monkeypatch):
    from mmavs.engine.runner import allocator

    monkeypatch.setattr(allocator.torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(allocator.ctypes, 'CDLL', lambda name: pytest.fail('must not touch the C library'))
    assert not allocator.keep_freed_memory()
