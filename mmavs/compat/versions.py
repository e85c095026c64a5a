"""Supported versions of the host packages.

:func:`check` runs first when ``mmavs`` is imported, before these packages are used.
"""

from importlib import import_module, metadata
from importlib.util import find_spec

# Module -> (lowest, first unsupported). torch: 2.4 is the first with `add_safe_globals`. mmcv: mmseg asserts the bound
# above at its own import, and its forks set another one.
SUPPORTED_VERSIONS = {
    'torch': ('2.4.0', None),
    'mmengine': ('0.10.7', '1.0.0'),
    'mmcv': ('2.1.0', None),
    'mmseg': ('1.2.2', '2.0.0'),
}
_INSTALL_HINT = 'Install a set that works together with: pip install "mmavs[lite]"'

# Distributions with the same modules. The one installed last overwrites the files of the other.
_ALTERNATIVES = (
    ('mmcv-lite', 'mmcv', 'onedl-mmcv'),
    ('mmengine', 'mmengine-lite', 'onedl-mmengine'),
    ('mmsegmentation', 'onedl-mmsegmentation'),
)


def check() -> None:
    """Checks that the host packages are installed, that their versions are supported, and that they load.

    Raises:
        ImportError: One of them is missing, installed twice, outside :data:`SUPPORTED_VERSIONS`, or does not load. The
            message names the supported versions and the command that installs them.
    """
    _check_alternatives()
    for name in SUPPORTED_VERSIONS:
        if find_spec(name) is None:
            raise ImportError(f'mmavs needs {name}, which is not installed. {_INSTALL_HINT}')
    try:
        import_module('mmseg')
    except AssertionError as error:  # mmseg asserts the versions of mmcv and mmengine
        raise ImportError(f'{error} {_INSTALL_HINT}') from error
    digit_version = import_module('mmengine.utils').digit_version
    for name, (lowest, unsupported) in SUPPORTED_VERSIONS.items():
        version = import_module(name).__version__
        too_old = digit_version(version) < digit_version(lowest)
        if too_old or (unsupported and digit_version(version) >= digit_version(unsupported)):
            wanted = f'>={lowest}' + (f',<{unsupported}' if unsupported else '')
            raise ImportError(f'mmavs needs {name}{wanted}, but {version} is installed. {_INSTALL_HINT}')
    _check_torchaudio()


def is_installed(distribution: str) -> bool:
    """True if the distribution is installed. ``name`` is the name that pip uses."""
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True


def _check_alternatives() -> None:
    for names in _ALTERNATIVES:
        found = [name for name in names if is_installed(name)]
        if len(found) > 1:
            raise ImportError(
                f'{" and ".join(found)} are both installed, but contain the same modules. Remove them with '
                f'pip uninstall {" ".join(found)}, then install one. {_INSTALL_HINT}'
            )


def _check_torchaudio() -> None:
    """Checks that torchaudio's compiled part loads, which needs the build of torch for which it was compiled."""
    try:
        import_module('torchaudio')
    except (ImportError, OSError) as error:
        pair = f'torchaudio {metadata.version("torchaudio")} does not load with torch {metadata.version("torch")}'
        raise ImportError(
            f'{pair}: {error}. From 2.11 on torchaudio needs a CUDA build of torch, which runs without a GPU, too; '
            'this pair works: pip install "torch==2.11.0" "torchaudio==2.11.0"'
        ) from error
