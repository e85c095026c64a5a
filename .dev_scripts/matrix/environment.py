"""Creates the environment of a stack and runs commands in it."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from stacks import Stack

ROOT = Path(__file__).resolve().parents[2]


class CannotInstallError(RuntimeError):
    """A stack cannot be installed; the message has the reason."""


def find_python(version: str) -> str:
    """The path of an interpreter of a version (major.minor), from the PATH or pyenv.

    Raises:
        CannotInstallError: There is no such interpreter.
    """
    pyenv = Path(os.environ.get('PYENV_ROOT', Path.home() / '.pyenv'))
    candidates = [shutil.which(f'python{version}'), *sorted(pyenv.glob(f'versions/{version}.*/bin/python'))]
    for candidate in filter(None, candidates):
        # A name on the PATH may be a launcher without this version.
        command = [str(candidate), '-c', 'import sys, ensurepip, venv; print("%d.%d" % sys.version_info[:2])']
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode == 0 and result.stdout.strip() == version:
            return str(candidate)
    raise CannotInstallError(f'no interpreter of Python {version} found')


class Environment:
    """A virtual environment of a stack. A finished installation is not repeated.

    Args:
        stack: The packages to install.
        folder: Folder of the environment.
        wheels: Folder of compiled wheels.
        log: File for the output of every command.
    """

    def __init__(self, stack: Stack, folder: Path, wheels: Path, log: Path) -> None:
        self.stack, self.folder, self.wheels, self.log = stack, folder, wheels, log
        self.python = str(folder / 'bin' / 'python')

    def run(self, *words: str) -> tuple[int, str]:
        """Runs Python in the repository; returns exit status and output, which is also logged."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        start = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open('a') as log:
            print('$ python', *words, file=log, flush=True)
            status = subprocess.run([self.python, *words], cwd=ROOT, stdout=log, stderr=subprocess.STDOUT).returncode
        with self.log.open('rb') as log:
            log.seek(start)
            return status, log.read().decode(errors='replace')

    def install(self) -> None:
        """Creates the environment and installs the stack.

        Raises:
            CannotInstallError: There is no interpreter, or pip failed.
        """
        done = self.folder / '.installed'
        if done.is_file() and done.read_text() == repr(self.stack):
            return
        python = find_python(self.stack.python)
        shutil.rmtree(self.folder, ignore_errors=True)
        subprocess.run([python, '-m', 'venv', str(self.folder)], check=True)
        if self.stack.compiled:
            self._pip('install', *self.stack.base)
            self._pip('install', *self.stack.base, str(self._compiled_wheel()))
        self._pip('install', *self.stack.install)
        done.write_text(repr(self.stack))

    def versions(self) -> dict[str, str]:
        """The version of every installed distribution by name."""
        command = [self.python, '-m', 'pip', 'list', '--format', 'json']
        output = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
        return {entry['name'].lower(): entry['version'] for entry in json.loads(output)}

    def remove(self) -> None:
        """Removes the environment but keeps wheels and log."""
        shutil.rmtree(self.folder)

    def _compiled_wheel(self) -> Path:
        """The wheel of the compiled requirement for this Python and torch; built if it does not exist."""
        folder = self.wheels / f'python{self.stack.python}-torch{self.versions()["torch"]}'
        name = self.stack.compiled.replace('-', '_').replace('==', '-')
        if not list(folder.glob(f'{name}-*.whl')):
            # pip moves the wheel into the folder when it is complete.
            self._pip('wheel', '--no-deps', '--no-build-isolation', '--wheel-dir', str(folder), self.stack.compiled)
        return next(folder.glob(f'{name}-*.whl'))

    def _pip(self, *words: str) -> None:
        status, output = self.run('-m', 'pip', *words)
        if status:
            errors = re.findall(r'^ERROR: .+', output, flags=re.MULTILINE) or ['see the log']
            raise CannotInstallError(errors[-1])
