"""Repairs of mmengine and of its fork."""

import functools
import http.client
import os
import urllib.error
import warnings
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlparse

import mmengine.config.config
import mmengine.hub.hub
import mmengine.runner.checkpoint as mmengine_checkpoint
import torch
from mmengine.config.utils import MODULE2PACKAGE
from mmengine.utils import package_utils

from .versions import is_installed


def apply() -> None:
    """Applies the repairs."""
    check_checkpoint_loads()
    find_mmseg_configs()
    find_own_configs()
    warn_without_pkg_resources()


def check_checkpoint_loads() -> None:
    """Adds the weights-only check to mmengine's loaders of URLs, and a remedy to the error of a failed download.

    mmengine does not set ``weights_only``. ``torch.load`` then uses the check since torch 2.6, but torch's download
    helper never does. The fork of mmengine uses the check, but loads rejected files again without it.
    """
    if mmengine_checkpoint.load_url is not _load_url:
        mmengine_checkpoint.load_url = _load_url
    if hasattr(mmengine_checkpoint, '_safe_torch_load'):
        mmengine_checkpoint._safe_torch_load = functools.partial(torch.load, weights_only=True)


_original_load_url = functools.partial(mmengine_checkpoint.load_url, weights_only=True)
_NO_CONNECTION = (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError)


def _load_url(url: str, model_dir: str | None = None, **kwargs) -> dict:
    """``mmengine.runner.checkpoint.load_url`` with the weights-only check.

    Raises:
        ConnectionError: The file cannot be downloaded.
    """
    try:
        return _original_load_url(url, model_dir=model_dir, **kwargs)
    except _NO_CONNECTION as error:
        folder = model_dir or os.path.join(torch.hub.get_dir(), 'checkpoints')
        raise ConnectionError(
            f'the weights {url} cannot be downloaded ({error}). Download the file on another machine and save it as '
            f'{os.path.join(folder, os.path.basename(urlparse(url).path))}, or set the config key that names it to the '
            'path of a file: model.backbone.init_cfg.checkpoint=FILE, or model.pretrained=FILE in configs that use '
            'that key. To train without pretrained weights, set model.backbone.init_cfg=None or model.pretrained=None'
        ) from error


def find_mmseg_configs() -> None:
    """Makes ``_base_ = 'mmseg::...'`` find mmseg if its distribution has another name than ``mmsegmentation``.

    mmengine and its fork search for a distribution of this name; the fork of mmseg has another one.
    """
    if not is_installed(MODULE2PACKAGE['mmseg']):
        MODULE2PACKAGE['mmseg'] = 'mmseg'  # searched by its module


def find_own_configs() -> None:
    """Makes ``_base_ = 'mmavs::...'`` and ``mmengine.hub.get_config('mmavs::...')`` find the configs of this package.

    mmengine supports only the packages of OpenMMLab. It also expects a package in the folder of its metadata, which is
    another one for an editable installation. See also :mod:`mmavs.registry`.
    """
    MODULE2PACKAGE['mmavs'] = 'mmavs'
    for module in (mmengine.config.config, mmengine.hub.hub):
        module.get_installed_path = _get_installed_path


def _get_installed_path(package: str) -> str:
    """mmengine's function of this name, except for this package, whose imported folder is returned."""
    return str(Path(__file__).parents[1]) if package == 'mmavs' else package_utils.get_installed_path(package)


def warn_without_pkg_resources() -> None:
    """Warns if mmengine cannot resolve ``_base_ = 'mmseg::...'`` since setuptools 81 has removed ``pkg_resources``.

    The fork of mmengine does not need it.
    """
    needed = 'pkg_resources' in package_utils.is_installed.__code__.co_names
    if needed and find_spec('pkg_resources') is None:
        warnings.warn(
            'pkg_resources is missing, so configs with _base_ = "mmseg::..." cannot be read. '
            'Install it with: pip install "setuptools<81"',
            stacklevel=2,
        )
