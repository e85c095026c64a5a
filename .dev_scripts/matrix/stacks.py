"""The stacks of `make matrix`: the packages that a user installs, in order."""

from dataclasses import dataclass

TESTED = ('-c', 'requirements/constraints.txt')


@dataclass(frozen=True)
class Stack:
    """A set of versions to install into a fresh environment.

    Args:
        about: Description for the table.
        install: Arguments of the `pip install` of mmavs.
        python: Version of the interpreter.
        compiled: A requirement without a wheel in the package index; its wheel is built once and kept.
        base: Arguments of a `pip install` before the compilation.
    """

    about: str
    install: tuple[str, ...]
    python: str = '3.11'
    compiled: str | None = None
    base: tuple[str, ...] = ()


def _mmavs(host: str) -> tuple[str, ...]:
    return ('-e', f'.[{host},tests,dev,tensorboard,timm,video,onnx]')


STACKS = {
    'tested': Stack('the tested set', (*TESTED, *_mmavs('lite'))),
    'newest': Stack('the newest versions that pip installs', _mmavs('lite')),
    'python3.10': Stack('the tested set on Python 3.10', (*TESTED, *_mmavs('lite')), python='3.10'),
    'python3.12': Stack('the tested set on Python 3.12', (*TESTED, *_mmavs('lite')), python='3.12'),
    'python3.13': Stack('the tested set on Python 3.13', (*TESTED, *_mmavs('lite')), python='3.13'),
    'cpu-torch': Stack('torch built for CPUs only', ('torch==2.13.0+cpu', *_mmavs('lite'))),
    'mmcv': Stack(
        'full mmcv, compiled from source',
        (*TESTED, *_mmavs('mmcv')),
        compiled='mmcv==2.1.0',
        base=(*TESTED, 'torch', 'setuptools'),
    ),
    'onedl': Stack(
        'the maintained fork of MMSegmentation, MMEngine and mmcv, compiled from source',
        (*TESTED, *_mmavs('onedl')),
        compiled='onedl-mmcv==2.3.6',
        base=(*TESTED, 'torch', 'setuptools'),
    ),
}
