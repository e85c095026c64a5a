import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_import_beside_the_clone_finds_the_package(tmp_path):
    """A clone is a folder named like the package. A script beside it must not import this folder as a namespace."""
    clone = tmp_path / 'mmavs'
    for name in ('mmavs', 'configs', 'tools'):
        shutil.copytree(ROOT / name, clone / name, ignore=shutil.ignore_patterns('__pycache__', '.mim'))
    for name in ('setup.py', 'pyproject.toml', 'README.md', 'model-index.yml'):
        shutil.copyfile(ROOT / name, clone / name)
    command = [sys.executable, 'setup.py', '-q', 'editable_wheel', '--dist-dir', str(tmp_path / 'dist')]
    subprocess.run(command, cwd=clone, check=True, capture_output=True, timeout=300)
    (wheel,) = (tmp_path / 'dist').glob('*.whl')
    zipfile.ZipFile(wheel).extractall(tmp_path / 'site-packages')
    script = tmp_path / 'script.py'
    script.write_text(
        'import importlib.util, os, site, sys\n'  # first without the package under test, wherever it is installed
        'sys.path = [path for path in sys.path if not os.path.isfile(os.path.join(path, "mmavs", "__init__.py"))]\n'
        'sys.meta_path = [finder for finder in sys.meta_path if "editable" not in repr(finder)]\n'
        f'site.addsitedir({str(tmp_path / "site-packages")!r})\n'
        'print(importlib.util.find_spec("mmavs").origin)\n'
    )
    done = subprocess.run([sys.executable, script.name], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == str(clone / 'mmavs' / '__init__.py')
