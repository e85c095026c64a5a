r"""Checks unpacked AVSBench folders with all their parts and splits, and lists all problems at once.

    python tools/dataset_converters/check_avsbench.py data/AVSBench-object data/AVSBench-semantic \
        --page avsbench.md --report problems.csv

Reads every frame, mask and recording once. The exit status is 1 if there are errors: missing or unreadable files, clips
with missing frames, mask values or colors without a class, audio that is shorter than its frames. Masks with fewer
than 20 pixels of a class and recordings whose used seconds are silent are warnings. The page lists the number of clips
and frames of each split, and the number of frames with each class.
"""

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path

from mmengine.registry import init_default_scope

if find_spec('mmavs') is None:  # not installed: use the package in this repository
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmavs.data_tools.checking.avsbench import check_part, count_notes, find_parts  # noqa: E402
from mmavs.data_tools.checking.page import render_page  # noqa: E402
from mmavs.data_tools.checking.problem_report import check_report_path, summary_table, write_report  # noqa: E402
from mmavs.utils.files import write_text  # noqa: E402


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('roots', nargs='+', metavar='ROOT', help='folders to which the sets were unpacked')
    parser.add_argument('--page', metavar='FILE', help='write counts and problems to a Markdown page')
    parser.add_argument('--report', metavar='FILE', help='write all problems to a .csv or .json file')
    parser.add_argument('--workers', type=int, help='number of processes (default: one per CPU core)')
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    init_default_scope('mmseg')
    try:
        if args.report:
            check_report_path(args.report)
        if args.workers is not None and args.workers < 1:
            raise ValueError(f'--workers must be at least 1, got {args.workers}')
        parts = {name: dataset for root in args.roots for name, dataset in find_parts(root).items()}
        results = {name: check_part(dataset, workers=args.workers) for name, dataset in parts.items()}
        problems = [problem for result in results.values() for problem in result.problems]
        page = render_page('AVSBench', results, notes=count_notes(results))
        if args.report:
            write_report(args.report, problems)
        if args.page:
            write_text(args.page, page, option='--page')
    except KeyboardInterrupt:
        sys.exit('interrupted')
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(f'error: {error}')
    for problem in problems:
        print(problem)
    print(page)
    print(summary_table(problems) if problems else 'No problems')
    sys.exit(any(p.level == 'error' for p in problems))


if __name__ == '__main__':
    main()
