"""The stacks of `make matrix`, one entry each: what a user would install, and in which order."""

from dataclasses import dataclass

TESTED = ('-c', 'requirements/constraints.txt')


@dataclass(frozen=True)
class Stack:
    """A set of versions to install into a fresh environment.

    Args:
        about: What it shows, for the table.
        install: Words of the `pip install` that brings mmavs.
        python: Version of the interpreter.
        compiled: A requirement that has no wheel in the package index; its wheel is made once and kept.
        base: Words of the `pip install` before that: what the compilation needs in the environment.
    """

    about: str
    install: tuple[str, ...]
    python: str = '3.11'
    compiled: str | None = None
    base: tuple[str, ...] = ()


def _mmavs(host: str) -> tuple[str, ...]:
    return ('-e', f'.[{host},tests,dev,tensorboard,timm]')


STACKS = {
    'tested': Stack('the tested set', (*TESTED, *_mmavs('lite'))),
    'newest': Stack('the newest of everything that pip installs', _mmavs('lite')),
    'python3.10': Stack('the tested set on Python 3.10', (*TESTED, *_mmavs('lite')), python='3.10'),
    'python3.12': Stack('the tested set on Python 3.12', (*TESTED, *_mmavs('lite')), python='3.12'),
    'python3.13': Stack('the tested set on Python 3.13', (*TESTED, *_mmavs('lite')), python='3.13'),
    'cpu-torch': Stack('a torch built for CPUs alone, where pip has one', ('torch==2.13.0+cpu', *_mmavs('lite'))),
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
