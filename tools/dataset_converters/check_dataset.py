r"""Checks all data of a config's data loaders, and lists all problems at once.

    python tools/dataset_converters/check_dataset.py configs/cavp/cavp_r50_vpo-msmi.py --report problems.csv

The exit status is 1 if there are errors: missing or damaged files, masks of another size or with unknown values,
    datasets
whose masks contain background only, invalid annotations, duplicates, and images or recordings that training shares
with validation or test (unless the config has evaluates_on_train = True).

Warnings: recordings that are shorter than the audio of a sample or silent in the seconds that samples use, masks with
fewer than 20 pixels of a class, classes that are missing from training, and rows that are likely wrong.
"""

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path

from mmengine.config import Config, DictAction

if find_spec('mmavs') is None:  # not installed: use the package in this repository
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmavs.data_tools.checking.check import LOADERS, check_config  # noqa: E402
from mmavs.data_tools.checking.problem_report import check_report_path, summary_table, write_report  # noqa: E402


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('--loaders', nargs='+', choices=LOADERS, help='data loaders to check (default: all)')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        default={},
        metavar='KEY=VALUE',
        help='change settings of the config, for example train_dataloader.dataset.data_root=data/my_VPO',
    )
    parser.add_argument('--report', metavar='FILE', help='also write the problems to a .csv or .json file')
    parser.add_argument('--workers', type=int, help='number of processes (default: one per CPU core)')
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    try:
        if args.report:
            check_report_path(args.report)
        if args.workers is not None and args.workers < 1:
            raise ValueError(f'--workers must be at least 1, got {args.workers}')
        cfg = Config.fromfile(args.config)
        cfg.merge_from_dict(args.cfg_options)
        problems, counts, _ = check_config(cfg, loaders=args.loaders, workers=args.workers)
        if args.report:
            write_report(args.report, problems)
    except KeyboardInterrupt:
        sys.exit('interrupted')
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(f'error: {error}')
    for problem in problems:
        print(problem)
    print('Checked ' + ', '.join(f'{number} {name}' for name, number in counts.items()))
    print(summary_table(problems) if problems else 'No problems')
    sys.exit(any(p.level == 'error' for p in problems))


if __name__ == '__main__':
    main()
