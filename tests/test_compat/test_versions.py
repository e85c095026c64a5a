import sys
from importlib.util import find_spec

import pytest

from mmavs.compat import versions


@pytest.mark.parametrize(
    'module, version', [('torch', '2.3.1'), ('mmengine', '1.0.0'), ('mmcv', '2.0.1'), ('mmseg', '1.2.1')]
)
def test_unsupported_version_is_refused_with_a_remedy(monkeypatch, module, version):
    monkeypatch.setattr(f'{module}.__version__', version)
    with pytest.raises(ImportError, match=rf'needs {module}>=.*{version} is installed.*pip install'):
        versions.check()


def test_version_error_of_mmseg_becomes_an_import_error(monkeypatch):
    class Refusing:
        def find_spec(self, name, path=None, target=None):
            if name == 'mmseg':
                raise AssertionError('MMCV==2.2.0 is used but incompatible.')

    monkeypatch.setattr(versions, 'find_spec', lambda name: name)
    monkeypatch.delitem(sys.modules, 'mmseg')
    monkeypatch.setattr(sys, 'meta_path', [Refusing(), *sys.meta_path])
    with pytest.raises(ImportError, match=r'MMCV==2\.2\.0.*pip install "mmavs\[lite\]"'):
        versions.check()


@pytest.mark.skipif(versions.is_installed('onedl-mmsegmentation'), reason='the fork of mmseg takes any mmcv')
def test_mmseg_rejects_a_later_mmcv(monkeypatch):
    monkeypatch.delitem(sys.modules, 'mmseg')
    monkeypatch.setattr('mmcv.__version__', '2.2.0')
    with pytest.raises(ImportError, match=r'MMCV==2\.2\.0.*pip install "mmavs\[lite\]"'):
        versions.check()


@pytest.mark.parametrize('missing', versions.SUPPORTED_VERSIONS)
def test_missing_package_is_reported_with_a_remedy(monkeypatch, missing):
    monkeypatch.setattr(versions, 'find_spec', lambda name: None if name == missing else find_spec(name))
    with pytest.raises(ImportError, match=rf'needs {missing}, .*pip install "mmavs\[lite\]"'):
        versions.check()


@pytest.mark.parametrize('pair', [('mmcv-lite', 'mmcv'), ('mmcv', 'onedl-mmcv'), ('mmengine', 'onedl-mmengine')])
def test_two_packages_with_the_same_modules_are_refused(monkeypatch, pair):
    monkeypatch.setattr(versions, 'is_installed', lambda name: name in pair)
    with pytest.raises(ImportError, match=f'{pair[0]} and {pair[1]} .*pip uninstall {" ".join(pair)}'):
        versions.check()


def test_torchaudio_that_does_not_fit_torch_is_refused(monkeypatch):
    class Failing:
        def find_spec(self, name, path=None, target=None):
            if name == 'torchaudio':
                raise OSError('libc10_cuda.so: cannot open shared object file')

    for name in [name for name in sys.modules if name.split('.')[0] == 'torchaudio']:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, 'meta_path', [Failing(), *sys.meta_path])
    with pytest.raises(ImportError, match=r'libc10_cuda\.so.*pip install "torch==2\.11\.0" "torchaudio==2\.11\.0"'):
        versions.check()
