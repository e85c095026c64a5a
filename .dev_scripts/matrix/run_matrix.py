"""Tests mmavs with several sets of versions: `make matrix`, or python .dev_scripts/matrix/run_matrix.py --only NAME ...

For each stack of stacks.py, the tool creates a virtual environment, installs the stack and runs the tests. A stack
passes the tests, or `import mmavs` raises an ImportError about supported versions, which counts as refused. Stacks that
are finished for the current state of the repository are not repeated. Logs, compiled wheels and state.json stay in the
work dir. The environment of a finished stack (several GB) is removed. The tool prints a table and, with --update FILE,
writes it between two marks of a file. The exit status is 1 if a stack neither passes nor is refused.
"""

import argparse
import datetime
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from environment import ROOT, CannotInstallError, Environment
from stacks import STACKS
from tqdm import tqdm

# Files that determine the outcome.
SOURCES = ('mmavs', 'tests', 'tools', 'configs', 'requirements', 'setup.py', 'pyproject.toml')
MARKS = ('<!-- matrix: written by `make matrix` -->', '<!-- end of matrix -->')
PYTEST = ('-m', 'pytest', '-q', '-p', 'no:cacheprovider', '-n', '2', '--dist', 'loadfile', '--max-worker-restart=0')
COLUMNS = {
    'torch': ('torch',),
    'torchaudio': ('torchaudio',),
    'mmcv': ('mmcv-lite', 'mmcv', 'onedl-mmcv'),
    'mmengine': ('mmengine', 'onedl-mmengine'),
    'mmseg': ('mmsegmentation', 'onedl-mmsegmentation'),
    'numpy': ('numpy',),
}


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--only', nargs='+', choices=STACKS, metavar='NAME', help=f'any of {", ".join(STACKS)}')
    parser.add_argument('--work-dir', type=Path, default=ROOT / '.matrix', help='default: %(default)s')
    parser.add_argument('--update', type=Path, metavar='FILE', help='file whose table is updated')
    parser.add_argument('--keep', action='store_true', help='keep the environments of finished stacks')
    parser.add_argument('--table', action='store_true', help='only print the table of finished stacks')
    parser.add_argument('--tests', nargs='+', default=['tests'], metavar='PATH', help='tests to run (default: all)')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    state_file = args.work_dir / 'state.json'
    results = json.loads(state_file.read_text()) if state_file.is_file() else {}
    if not args.table:
        state = fingerprint(args.tests)
        todo = [name for name in args.only or STACKS if results.get(name, {}).get('state') != state]
        for name in tqdm(todo, 'stacks', unit='stack'):
            results[name] = run_stack(name, args) | dict(state=state, commit=commit(), date=str(datetime.date.today()))
            write(state_file, json.dumps(results, indent=1) + '\n')
    table = make_table(results)
    print(table)
    if args.update:
        write(args.update, put_table(args.update.read_text(), table))
    if any(result['outcome'] == 'failed' for result in results.values()):
        sys.exit(1)


def run_stack(name: str, args: argparse.Namespace) -> dict:
    """Installs a stack and runs the tests; returns the outcome, a text for the table, and the versions."""
    environment = Environment(
        STACKS[name], args.work_dir / 'envs' / name, args.work_dir / 'wheels', args.work_dir / 'logs' / f'{name}.log'
    )
    try:
        environment.install()
    except CannotInstallError as error:
        return dict(outcome='not installed', text=f'could not be installed: {error}', versions={})
    result = dict(versions=environment.versions())
    status, output = environment.run('-c', 'import mmavs')
    if status:
        result |= read_import(output)
    else:
        status, output = environment.run(*PYTEST, *args.tests)
        result |= dict(outcome='failed' if status else 'passed', text=read_summary(output))
    if result['outcome'] != 'failed' and not args.keep:
        environment.remove()
    return result


def read_import(output: str) -> dict:
    """The outcome of a failed import. An ImportError with a `pip install` command counts as a refusal."""
    error = output.strip().splitlines()[-1].replace(f'{ROOT}/', '')
    if error.startswith('ImportError: ') and 'pip install' in error:
        return dict(outcome='refused', text=f'refused: {error.removeprefix("ImportError: ")}')
    return dict(outcome='failed', text=f'import failed: {error}')


def read_summary(output: str) -> str:
    """The counts in the last line of pytest, such as "3 failed, 12 passed, 1 skipped"."""
    last = output.strip().splitlines()[-1]
    counts = re.findall(r'\d+ (?:failed|passed|skipped|errors?)\b', last)
    return ', '.join(counts) or f'no tests: {last}'


def fingerprint(tests: list[str]) -> str:
    """A hash of the tested files and the selected tests."""
    digest = hashlib.sha256(' '.join(tests).encode())
    for source in SOURCES:
        path = ROOT / source
        for file in sorted(path.rglob('*')) if path.is_dir() else [path]:
            if file.is_file() and not {'__pycache__', '.mim'} & set(file.parts):
                digest.update(str(file.relative_to(ROOT)).encode() + b'\0' + file.read_bytes())
    return digest.hexdigest()[:16]


def commit() -> str:
    """The current commit, marked as dirty if files differ from it; empty without git."""
    command = ['git', 'describe', '--always', '--dirty', '--exclude=*', '--abbrev=7']
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return result.stdout.strip()


def make_table(results: dict[str, dict]) -> str:
    """The outcomes with dates and versions as a Markdown table."""
    lines = [f'| stack | Python | {" | ".join(COLUMNS)} | outcome | date, commit |', '|---' * (len(COLUMNS) + 4) + '|']
    for name in filter(results.get, STACKS):
        result, stack = results[name], STACKS[name]
        cells = [f'`{name}`: {stack.about}', stack.python]
        for distributions in COLUMNS.values():
            found = [(d, result['versions'][d]) for d in distributions if d in result['versions']]
            cells.append(', '.join(f'{d} {v}' if len(distributions) > 1 else v for d, v in found))
        cells += [result['text'], f'{result["date"]}, {result["commit"]}']
        lines.append('| ' + ' | '.join(cell.replace('|', r'\|') for cell in cells) + ' |')
    return '\n'.join(lines)


def put_table(page: str, table: str) -> str:
    """Returns the page with the table between its marks."""
    before, mark, rest = page.partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    if not (mark and end):
        raise SystemExit(f'error: the file has no marks for the table; add the lines {MARKS[0]} and {MARKS[1]}')
    return f'{before}{mark}\n{table}\n{end}{after}'


def write(path: Path, text: str) -> None:
    """Writes a file atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix('.partial')
    partial.write_text(text)
    os.replace(partial, path)


if __name__ == '__main__':
    main()
