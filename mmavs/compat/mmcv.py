"""Repairs of mmcv-lite."""

import functools
from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace


def apply() -> None:
    """Applies the repairs that are needed."""
    stub_missing_ops()


def stub_missing_ops() -> None:
    """Let all of mmseg import with mmcv-lite, which has the Python side of ``mmcv.ops`` but not the compiled one.

    ``mmcv.ops`` asks ``load_ext`` for compiled functions at import. Without ``mmcv._ext`` it gets functions that raise
    an ImportError when called; no module is faked, so that ``mmengine`` still finds that the operators are missing.
    """
    if find_spec('mmcv._ext') is None:
        import_module('mmcv.utils.ext_loader').load_ext = _load_missing_ext


def _load_missing_ext(name: str, funcs: list[str]) -> SimpleNamespace:
    """Stand in for ``mmcv.utils.ext_loader.load_ext(name, funcs)``."""
    return SimpleNamespace(**{func: functools.partial(_raise_missing_op, func) for func in funcs})


def _raise_missing_op(op: str, *args, **kwargs) -> None:
    raise ImportError(
        f'The operator "{op}" is part of the full mmcv, and mmcv-lite is installed. Replace it with: '
        'pip uninstall mmcv-lite && pip install "mmavs[mmcv]" (compiles for some minutes where there is no wheel)'
    )
