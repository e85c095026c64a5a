"""docs/import_effects.md names everything that ``import mmavs`` replaces in other packages."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / 'docs' / 'import_effects.md'
SCRIPT = r"""
import functools, json, os, random, sys, types
import numpy, torch
import mmengine, mmseg, torchaudio

def state():
    return [
        repr(random.getstate()), repr(numpy.random.get_state()[1].tolist()), repr(torch.get_rng_state().tolist()),
        repr(torch.get_default_dtype()), torch.get_num_threads(), torch.backends.cudnn.benchmark,
        torch.are_deterministic_algorithms_enabled(), torch.is_grad_enabled(),
    ]

before = state()
import mmavs

own = [module for name, module in sys.modules.items() if name.startswith('mmavs.')]
partials = {id(value) for module in own for value in vars(module).values() if isinstance(value, functools.partial)}
FOLDER = os.path.dirname(mmavs.__file__)

def is_ours(value):
    kind = type(value)  # isinstance() would initialize lazy objects of torch
    if kind is functools.partial:
        return id(value) in partials
    if kind in (staticmethod, classmethod, types.MethodType):
        value, kind = value.__func__, type(value.__func__)
    if kind is types.FunctionType:
        return value.__code__.co_filename.startswith(FOLDER)
    return issubclass(kind, type) and value.__module__.startswith('mmavs')

found = set()
for name, module in list(sys.modules.items()):
    if name.split('.')[0] in ('torch', 'torchaudio', 'mmcv', 'mmengine', 'mmseg', 'numpy', 'pkgutil') and module:
        for key, value in list(vars(module).items()):
            if is_ours(value):
                found.add(f'{name}.{key}')
            if issubclass(type(value), type) and value.__module__ == name:
                found |= {f'{name}.{key}.{k}' for k, v in list(vars(value).items()) if is_ours(v)}

from mmengine.config.utils import MODULE2PACKAGE
from mmengine.fileio.backends.registry_utils import backends
from mmengine.runner.checkpoint import CheckpointLoader
found |= {f'backends.{k}' for k, v in backends.items() if is_ours(v)}
found |= {f'CheckpointLoader.{v.__name__}' for v in CheckpointLoader._schemes.values() if is_ours(v)}
found |= {'mmengine.MODULE2PACKAGE'} if 'mmavs' in MODULE2PACKAGE else set()
print(json.dumps(dict(found=sorted(found), unchanged=before == state())))
"""


@pytest.fixture(scope='module')
def effects():
    done = subprocess.run([sys.executable, '-W', 'ignore', '-c', SCRIPT], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_page_names_every_replaced_function(effects):
    assert 'mmseg.models.losses.focal_loss.FocalLoss.forward' in effects['found']
    text = PAGE.read_text(encoding='utf-8')
    missing = [name for name in effects['found'] if name.rsplit('.', 1)[1] not in text]
    assert not missing, f'{PAGE.name} does not name {missing}'


def test_import_leaves_random_states_and_settings(effects):
    assert effects['unchanged']
