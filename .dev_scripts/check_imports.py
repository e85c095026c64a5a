"""Checks that the packages of mmavs import each other in one direction only; run by `make lint`.

    python .dev_scripts/check_imports.py

`ALLOWED` lists the packages that each package may import. Packages for training and testing must not depend on the code
that builds datasets, and mmavs must not depend on tools or tests.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BASE = ('compat', 'utils', 'audio', 'version')
PARTS = (*BASE, 'datasets', 'models', 'evaluation', 'visualization')
ALLOWED = {
    'version': (),
    'utils': (),
    'audio': ('utils',),
    'compat': ('version',),
    'datasets': BASE,
    'models': BASE,
    'evaluation': BASE,
    'visualization': BASE,
    'engine': PARTS,
    'apis': (*PARTS, 'engine'),
    'data_tools': (*BASE, 'datasets'),
}
OUTSIDE = ('tools', 'tests', 'configs')


def imported_modules(path: Path, package: str) -> Iterator[tuple[int, str]]:
    """Yields (line, absolute name) of every module or object that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'), str(path))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split('.')[: len(package.split('.')) - node.level + 1] if node.level else []
            module = '.'.join([*parents, *([node.module] if node.module else [])])
            yield from ((node.lineno, f'{module}.{alias.name}') for alias in node.names)


def find_violations(root: Path) -> Iterator[str]:
    """Yields a message for every import that :data:`ALLOWED` does not list."""
    for path in sorted(root.glob('mmavs/*/**/*.py')) + sorted(root.glob('mmavs/version.py')):
        parts = path.relative_to(root).with_suffix('').parts
        own = parts[1]
        if own == '.mim':
            continue
        if own not in ALLOWED:
            yield f'mmavs/{own}: add it to ALLOWED of {Path(__file__).name}'
            continue
        for line, name in imported_modules(path, '.'.join(parts[:-1])):
            target = name.split('.')
            forbidden = target[0] in OUTSIDE or (
                target[0] == 'mmavs' and len(target) > 1 and target[1] not in (own, *ALLOWED[own])
            )
            if forbidden:
                yield f'{path.relative_to(root)}:{line}: mmavs.{own} must not import {name}'


if __name__ == '__main__':
    violations = list(find_violations(ROOT))
    print('\n'.join(violations), file=sys.stderr)
    sys.exit(bool(violations))
