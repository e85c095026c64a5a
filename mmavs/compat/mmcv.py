"""Repairs of mmcv-lite."""

import functools
from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace


def apply() -> None:
    """Applies the repairs that are needed."""
    stub_missing_ops()


def stub_missing_ops() -> None:
    """Makes mmseg import with mmcv-lite, which has the Python part of ``mmcv.ops`` without its compiled part.

    ``mmcv.ops`` requests compiled functions from ``load_ext`` at import. Without ``mmcv._ext`` it gets functions that
    raise an ImportError when called. No module is replaced, so mmengine still detects that the operators are missing.
    """
    if find_spec('mmcv._ext') is None:
        import_module('mmcv.utils.ext_loader').load_ext = _load_missing_ext


def _load_missing_ext(name: str, funcs: list[str]) -> SimpleNamespace:
    """Replaces ``mmcv.utils.ext_loader.load_ext(name, funcs)``."""
    return SimpleNamespace(**{func: functools.partial(_raise_missing_op, func) for func in funcs})


def _raise_missing_op(op: str, *args, **kwargs) -> None:
    raise ImportError(
        f'The operator "{op}" is part of the full mmcv, and mmcv-lite is installed. Replace it with: '
        'pip uninstall mmcv-lite && pip install "mmavs[mmcv]" (compiles for some minutes where there is no wheel)'
    )
