"""Are images with recordings of their category as good as real videos? The paper's check, on the generated S4.

    python tools/analysis_tools/mini_substitution.py --jobs 2

Makes the generated AVSBench trees and, from their S4, AVS-M-SS, in which every clip has the sound of a recording of its
category; trains CAVP on both with several seeds; tests each on the tree that it was trained on, with the checkpoint
that is best on the validation split; compares both with a t-test (compare_runs.py). What is finished is kept, so the
command can be repeated after an interruption.
"""

import argparse
import os
import sys
from itertools import product
from multiprocessing.pool import ThreadPool
from pathlib import Path

from mini_ablation import ROOT, run_tool, train_and_test
from tqdm import tqdm

CONFIG = ROOT / 'configs' / 'cavp' / 'cavp_r18_mini-s4.py'
NAMES = ('original', 'substituted')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2], help='two or more')
    parser.add_argument('--clips', nargs=3, default=['120', '16', '32'], metavar=('TRAIN', 'VAL', 'TEST'))
    parser.add_argument('--data', type=Path, default=Path('data/mini-substitution'), help='folder for both trees')
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/mini_substitution'))
    parser.add_argument('--jobs', type=int, default=1, help='runs at a time, each with one thread if more than one')
    parser.add_argument('--cfg-options', nargs='+', default=[], help='passed on to training and testing')
    args = parser.parse_args()
    if len(args.seeds) < 2:
        parser.error('a t-test needs --seeds of two or more runs')
    return args


def make_trees(data: Path, clips: list[str], log: Path) -> dict[str, Path]:
    """Data root of each set-up."""
    made = data / 'generated'
    roots = dict(original=made / 'AVSBench-object', substituted=data / 'AVS-M-SS')
    size = ('--clips', *clips, '--recordings', '12', '4')
    run_tool(log, 'dataset_converters/make_mini_avsbench.py', '--out', str(made), *size)
    sounds = ('--sounds-csv', str(made / 'VGGSound' / 'vggsound.csv'), '--sounds', str(made / 'VGGSound' / 'audios'))
    source, target = str(roots['original']), str(roots['substituted'])
    run_tool(log, 'dataset_converters/substitute_audio.py', source, '--out', target, *sounds)
    return roots


def data_root_options(root: Path) -> list[str]:
    """Config options that read a tree."""
    return [f'{split}_dataloader.dataset.data_root={root}' for split in ('train', 'val', 'test')]


def main() -> None:
    args = parse_args()
    args.work_dir.mkdir(parents=True, exist_ok=True)
    if args.jobs > 1:
        os.environ['OMP_NUM_THREADS'] = '1'
    jobs = list(product(args.seeds, NAMES))

    def run(job: tuple[int, str]) -> dict:
        seed, name = job
        options = [f'randomness.seed={seed}', *data_root_options(roots[name]), *args.cfg_options]
        return train_and_test(args.work_dir / f'{name}_seed{seed}', CONFIG, options, {'all frames': []})

    try:
        roots = make_trees(args.data, args.clips, args.work_dir / 'data.log')
        with ThreadPool(args.jobs) as pool:
            list(tqdm(pool.imap(run, jobs), 'runs', len(jobs), unit='run'))
        report = args.work_dir / 'comparison.log'
        report.unlink(missing_ok=True)
        sides = [
            (flag, *(str(args.work_dir / f'{name}_seed{seed}' / 'test_all_frames') for seed in args.seeds))
            for flag, name in zip(('--a', '--b'), NAMES, strict=True)
        ]
        figures = ('--names', *NAMES, '--out', str(args.work_dir / 'comparison.json'))
        run_tool(report, 'analysis_tools/compare_runs.py', *sides[0], *sides[1], *figures)
    except RuntimeError as error:
        sys.exit(f'error: {error}; mend the cause and start again, finished runs are kept')
    print(report.read_text())
    print(f'written to {args.work_dir / "comparison.json"}')


if __name__ == '__main__':
    main()
