"""The result of a check as a Markdown page."""

from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest

from .check import CheckResult

_COLUMNS = 4  # tables of classes next to each other
_EXAMPLE = 110  # maximum length of an example


def render_page(title: str, results: dict[str, CheckResult], *, notes: Sequence[str] = ()) -> str:
    """Renders the page.

    Args:
        title: Heading of the page.
        results: Result of the check of each part, by the part's name.
        notes: Lines below the heading.

    Returns:
        str: Markdown. Each part has a table of its splits, a table of the number of samples with each class in each
        split, and a table of the kinds of problems with one example each.
    """
    lines = [f'# {title}', '', *(f'{note}\n' for note in notes)]
    for name, result in results.items():
        lines += [f'## {name}', '', *_splits(result), '']
        for what in ('classes', 'categories'):
            lines += _numbers(result, what)
        lines += [*_problems(result), '']
    return '\n'.join(lines).rstrip() + '\n'


def _splits(result: CheckResult) -> list[str]:
    rows = [
        (loader, s.clips or '-', s.samples, s.annotated, s.empty, sum(map(bool, s.classes.values())))
        for loader, s in result.loaders.items()
    ]
    return _table(('split', 'clips', 'frames', 'annotated', 'of these empty', 'classes'), rows)


def _numbers(result: CheckResult, what: str) -> list[str]:
    """Number of occurrences of each class or category, in several columns."""
    numbers = {loader: getattr(s, what) for loader, s in result.loaders.items()}
    names = list(dict.fromkeys(name for found in numbers.values() for name in found))
    shown = [(name, *(found.get(name, 0) for found in numbers.values())) for name in names]
    absent = [name for name, *found in shown if not any(found)]
    shown = [entry for entry in shown if any(entry[1:])]
    if not shown:
        return []
    height = -(-len(shown) // _COLUMNS)
    columns = [shown[i : i + height] for i in range(0, len(shown), height)]
    heads = ('class' if what == 'classes' else 'category', *numbers)
    rows = [[cell for entry in row for cell in (entry or [''] * len(heads))] for row in zip_longest(*columns)]
    lines = ['Annotated frames with pixels of each class:' if what == 'classes' else 'Clips of each category:', '']
    lines += [*_table(heads * len(columns), rows), '']
    return lines + ([f'In no frame: {", ".join(absent)}.', ''] if absent else [])


def _problems(result: CheckResult) -> list[str]:
    if not result.problems:
        return ['No problems.']
    kinds = Counter((p.level, p.kind) for p in result.problems)
    examples: dict[tuple, str] = {}
    for p in result.problems:
        examples.setdefault((p.level, p.kind), p.detail if p.path in p.detail else f'{p.path}: {p.detail}')
    rows = [(*key, number, _shorten(examples[key])) for key, number in sorted(kinds.items())]
    return _table(('level', 'problem', 'number', 'for example'), rows)


def _shorten(text: str) -> str:
    text = text.replace('|', '/').replace('\n', ' ')
    return text if len(text) <= _EXAMPLE else f'...{text[-_EXAMPLE:]}'


def _table(heads: Sequence[str], rows: Sequence[Sequence]) -> list[str]:
    return [_row(heads), _row(['---'] * len(heads)), *map(_row, rows)]


def _row(cells: Sequence) -> str:
    return f'| {" | ".join(map(str, cells))} |'
