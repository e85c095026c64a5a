r"""The paper's Tables 1 to 5 and Figures 6 and 7 with the results of your runs next to the published ones.

    python tools/analysis_tools/paper_tables.py work_dirs

All tests (`tools/test.py`) in and below the given folders are read. The config of a run, not its name, determines the
method, fusion, loss, activation, share of positive samples, audio and dataset; loss, seed and training data are those
in the folder of the checkpoint. If a training was tested several times on the same data, the latest test is used. Runs
of another network or image size than the paper's, such as those of the mini set, get separate tables.

The tables are printed as Markdown and written to the output folder with CSV, JSON and the two figures. A cell without a
run is "missing"; the config that fills it is listed below the table.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from paper_results.assemble import assemble, load_published
from paper_results.collect import find_runs
from paper_results.plots import plot
from paper_results.render import make_csv, make_markdown


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('work_dirs', nargs='+', type=Path, metavar='WORK_DIR', help='folder with tests, at any depth')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/paper_tables'), help='output folder')
    return parser.parse_args()


def write(path: Path, text: str) -> None:
    """Writes a file atomically."""
    temporary = path.with_name(path.name + '.tmp')
    temporary.write_text(text, encoding='utf-8')
    temporary.replace(path)


def main() -> None:
    args = parse_args()
    try:
        runs, left_out = find_runs(args.work_dirs)
    except ValueError as e:
        sys.exit(f'error: {e}')
    tables, unused = assemble(load_published(), runs)
    markdown = make_markdown(tables, left_out, unused)
    args.out.mkdir(parents=True, exist_ok=True)
    write(args.out / 'tables.md', markdown)
    write(args.out / 'tables.csv', make_csv(tables))
    listed = [dict(asdict(run), folder=str(run.folder)) for run in runs]
    content = dict(tables=tables, runs=listed, left_out=left_out, in_no_table=[str(run.folder) for run in unused])
    write(args.out / 'tables.json', json.dumps(content, indent=1) + '\n')
    numbers: dict[str, int] = {}
    for table in tables:
        if table['plot']:
            numbers[table['id']] = number = numbers.get(table['id'], 0) + 1
            plot(table, args.out / f'{table["id"]}{f"_{number}" if number > 1 else ""}.png')
    print(markdown)
    print(f'{len(runs)} runs read; tables.md, tables.csv, tables.json and figures are in {args.out}')


if __name__ == '__main__':
    main()
