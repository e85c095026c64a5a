import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CRASH = """
import os

def test_abort():
    os.write(2, b'double free or corruption (out)')  # as glibc does
    os.abort()
"""


@pytest.mark.parametrize('options', [(), ('-n', '1', '--dist', 'loadfile', '--max-worker-restart=0')])
def test_message_of_a_c_library_is_shown(tmp_path, options):
    """A test that aborts in compiled code leaves the library's message and the Python stack on the terminal."""
    shutil.copy(ROOT / 'pyproject.toml', tmp_path)
    (tmp_path / 'test_crash.py').write_text(CRASH)
    if options:
        pytest.importorskip('xdist')
    command = [sys.executable, '-m', 'pytest', '-q', *options, 'test_crash.py']
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode
    assert 'double free or corruption (out)' in done.stderr + done.stdout
    assert 'Fatal Python error: Aborted' in done.stderr and 'in test_abort' in done.stderr
