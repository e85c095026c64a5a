"""The assembled tables as Markdown and CSV."""

import csv
import io

from .assemble import list_cells
from .collect import Run

SOURCES = dict(paper='paper', repository="authors' repository")
HEAD = """Each row has the published figures and, below them, ours: mean ± standard deviation over the seeds (number of
runs). All figures are in percent. Figures of different protocols are not comparable: they differ by 10 to 17 points for
the same model."""


def make_markdown(tables: list[dict], left_out: list[tuple[str, str]], unused: list[Run]) -> str:
    """All tables, the cells that are missing, and the runs that are in no table."""
    blocks = [HEAD]
    setup = None
    for table in tables:
        if not table['setup']['of_the_paper'] and table['setup'] != setup:
            setup = table['setup']
            blocks.append(f'# Another set-up: {_name(setup)}')
            blocks.append('The published results are repeated for orientation; they are not of this set-up.')
        blocks += _table_blocks(table)
    if unused or left_out:
        blocks.append('# Runs in no table')
        lines = [f'- {run.folder}: {describe(run)}' for run in unused]
        blocks.append('\n'.join([*lines, *(f'- {folder}: {reason}' for folder, reason in left_out)]))
    return '\n\n'.join(blocks) + '\n'


def describe(run: Run) -> str:
    """Describes a run in one line."""
    kind = run.kind
    parts = [kind.method, kind.fusion, f'contrastive loss {kind.loss}', kind.activation]
    if kind.positive_share is not None:
        parts.append(f'{100 * kind.positive_share:g} % positive')
    return ', '.join(filter(None, [*parts, f'{kind.audio} audio', kind.data, *kind.setup, *kind.options]))


def _name(setup: dict) -> str:
    return ', '.join(filter(None, (setup[key] for key in ('backbone', 'size', 'others'))))


def _table_blocks(table: dict) -> list[str]:
    title = f'{table["title"]}, {_name(table["setup"])}' if table['setup']['of_the_paper'] else table['title']
    blocks = [f'## {title}']
    if table['note']:
        blocks.append(table['note'].strip())
    for part in table['parts']:
        blocks += [f'**Protocol: {part["protocol"]}**', _part_lines(table, part)]
        notes = [f'- {row["name"]}: {row["note"]}' for row in part['rows'] if row['note']]
        if notes:
            blocks.append('\n'.join(notes))
    missing = _missing(table)
    blocks.append('\n'.join(['Missing:', *missing]) if missing else 'No cell is missing.')
    return blocks


def _part_lines(table: dict, part: dict) -> str:
    pairs = [(column, metric) for column in table['columns'] for metric in part['metrics']]
    heads = [f'{table["columns"][column]} {metric}' for column, metric in pairs]
    lines = [f'| method | figures | {" | ".join(heads)} |', '|---|---|' + '---:|' * len(pairs)]
    for row in part['rows']:
        cells = {(cell['column'], cell['metric']): cell for cell in row['cells']}
        name = row['name']
        if any(cell['paper'] is not None for cell in cells.values()):
            values = [_number(cells.get(pair, {}).get('paper')) for pair in pairs]
            lines.append(f'| {name} | {SOURCES[row["source"]]} | {" | ".join(values)} |')
            name = ''
        if not row['cited_only']:
            values = [_ours(cells.get(pair)) for pair in pairs]
            lines.append(f'| {name} | ours | {" | ".join(values)} |')
    return '\n'.join(lines)


def _number(value: float | None) -> str:
    return '-' if value is None else f'{value:.2f}'


def _ours(cell: dict | None) -> str:
    if cell is None:
        return '-'
    if cell['ours'] is None:
        return 'missing'
    ours = cell['ours']
    spread = '' if ours['std'] is None else f' ± {ours["std"]:.2f}'
    return f'{ours["mean"]:.2f}{spread} ({len(ours["values"])})'


def _missing(table: dict) -> list[str]:
    """A line for each row and column without a run, with its config."""
    found = {}
    for cell in list_cells([table]):
        if cell['missing']:
            place = cell['row'], table['columns'][cell['column']]
            found.setdefault((*place, cell['config']), set()).add(cell['protocol'])
    in_paper = table['setup']['of_the_paper']
    return [
        f'- {row}, {column} ({", ".join(sorted(protocols))})'
        + (f': train and test configs/{config}' if config and in_paper else '')
        for (row, column, config), protocols in found.items()
    ]


def make_csv(tables: list[dict]) -> str:
    """One line for each cell: its place, the published figure, ours with spread, single values and seeds."""
    keys = ('table', 'setup', 'protocol', 'row', 'column', 'metric', 'source', 'paper')
    out = io.StringIO()
    writer = csv.writer(out, lineterminator='\n')
    writer.writerow([*keys, 'ours_mean', 'ours_std', 'ours_values', 'seeds', 'missing', 'config'])
    for cell in list_cells(tables):
        ours = cell['ours'] or {}
        numbers = [ours.get('mean'), ours.get('std')]
        lists = [' '.join(map(str, ours.get(key, ()))) for key in ('values', 'seeds')]
        writer.writerow([*(cell[key] for key in keys), *numbers, *lists, cell['missing'], cell['config']])
    return out.getvalue()
