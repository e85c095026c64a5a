"""Repairs of mmengine and of its fork."""

import functools
import warnings
from importlib.util import find_spec
from pathlib import Path

import mmengine.config.config
import mmengine.hub.hub
import mmengine.runner.checkpoint as mmengine_checkpoint
import torch
from mmengine.config.utils import MODULE2PACKAGE
from mmengine.utils import package_utils

from .versions import is_installed


def apply() -> None:
    """Applies the repairs that are needed."""
    check_checkpoint_loads()
    find_mmseg_configs()
    find_own_configs()
    warn_without_pkg_resources()


def check_checkpoint_loads() -> None:
    """Switch the weights-only check on in mmengine's loaders of URLs.

    mmengine says nothing on it: ``torch.load`` then checks from torch 2.6 on, and torch's download helper never does.
    Its fork checks, but reads what the check refuses without it.
    """
    mmengine_checkpoint.load_url = _load_url
    if hasattr(mmengine_checkpoint, '_safe_torch_load'):
        mmengine_checkpoint._safe_torch_load = functools.partial(torch.load, weights_only=True)


_load_url = functools.partial(mmengine_checkpoint.load_url, weights_only=True)


def find_mmseg_configs() -> None:
    """Let ``_base_ = 'mmseg::...'`` find mmseg where it was not installed under the name ``mmsegmentation``.

    mmengine and its fork look for a distribution of this name; the fork of mmseg has another one.
    """
    if not is_installed(MODULE2PACKAGE['mmseg']):
        MODULE2PACKAGE['mmseg'] = 'mmseg'  # by its module


def find_own_configs() -> None:
    """Let ``_base_ = 'mmavs::...'`` and ``mmengine.hub.get_config('mmavs::...')`` find the configs of this package.

    mmengine knows the packages of OpenMMLab only. It also looks for a package beside its metadata, which lie elsewhere
    for an editable installation. See also :mod:`mmavs.registry`.
    """
    MODULE2PACKAGE['mmavs'] = 'mmavs'
    for module in (mmengine.config.config, mmengine.hub.hub):
        module.get_installed_path = _get_installed_path


def _get_installed_path(package: str) -> str:
    """mmengine's function of this name, but for the package that is imported here."""
    return str(Path(__file__).parents[1]) if package == 'mmavs' else package_utils.get_installed_path(package)


def warn_without_pkg_resources() -> None:
    """Warn where mmengine will not be able to resolve ``_base_ = 'mmseg::...'``: setuptools 81 dropped the module.

    The fork of mmengine does without it.
    """
    needed = 'pkg_resources' in package_utils.is_installed.__code__.co_names
    if needed and find_spec('pkg_resources') is None:
        warnings.warn(
            'pkg_resources is missing, so configs with _base_ = "mmseg::..." cannot be read. '
            'Install it with: pip install "setuptools<81"',
            stacklevel=2,
        )
