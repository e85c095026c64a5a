"""Compares training with original and with substituted audio, as the paper does, on a generated AVSBench-S4.

    python tools/analysis_tools/mini_substitution.py --jobs 2

The tool generates AVSBench trees and makes AVS-M-SS from S4, in which the audio of every clip is another recording of
its category. It trains each model on both with several seeds, tests the best checkpoint on the validation split of the
same tree, and compares the results by a t-test (compare_runs.py). TPAVI is the model of the comparison in the paper.
Finished steps are kept when the command is repeated.
"""

import argparse
import os
import sys
from itertools import product
from multiprocessing.pool import ThreadPool
from pathlib import Path

from mini_ablation import ROOT, run_tool, train_and_test
from tqdm import tqdm

CONFIGS = dict(
    cavp=ROOT / 'configs' / 'cavp' / 'cavp_r18_mini-s4.py', tpavi=ROOT / 'configs' / 'tpavi' / 'tpavi_r18_mini-s4.py'
)
NAMES = ('original', 'substituted')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--models', nargs='+', choices=list(CONFIGS), default=list(CONFIGS))
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2], help='at least two')
    parser.add_argument('--clips', nargs=3, default=['120', '16', '32'], metavar=('TRAIN', 'VAL', 'TEST'))
    parser.add_argument('--data', type=Path, default=Path('data/mini-substitution'), help='folder of both trees')
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/mini_substitution'))
    parser.add_argument('--jobs', type=int, default=1, help='parallel runs; with several, each has one thread')
    parser.add_argument('--cfg-options', nargs='+', default=[], help='config options for training and testing')
    args = parser.parse_args()
    if len(args.seeds) < 2:
        parser.error('a t-test needs at least two --seeds')
    return args


def make_trees(data: Path, clips: list[str], log: Path) -> dict[str, Path]:
    """Generates the data; returns the data root of each set-up."""
    generated = data / 'generated'
    roots = dict(original=generated / 'AVSBench-object', substituted=data / 'AVS-M-SS')
    size = ('--clips', *clips, '--recordings', '12', '4')
    run_tool(log, 'dataset_converters/make_mini_avsbench.py', '--out', str(generated), *size)
    vggsound = generated / 'VGGSound'
    sounds = ('--sounds-csv', str(vggsound / 'vggsound.csv'), '--sounds', str(vggsound / 'audios'))
    source, target = str(roots['original']), str(roots['substituted'])
    run_tool(log, 'dataset_converters/substitute_audio.py', source, '--out', target, *sounds)
    return roots


def data_root_options(root: Path) -> list[str]:
    """Config options that select a data root."""
    return [f'{split}_dataloader.dataset.data_root={root}' for split in ('train', 'val', 'test')]


def compare(work_dir: Path, model: str, seeds: list[int]) -> None:
    """Compares the runs of a model; prints the table and writes it as JSON."""
    report, figures = work_dir / f'comparison_{model}.log', work_dir / f'comparison_{model}.json'
    report.unlink(missing_ok=True)
    sides = []
    for flag, name in zip(('--a', '--b'), NAMES, strict=True):
        sides += [flag, *(str(run_folder(work_dir, model, name, seed) / 'test_all_frames') for seed in seeds)]
    run_tool(report, 'analysis_tools/compare_runs.py', *sides, '--names', *NAMES, '--out', str(figures))
    print(f'{model}\n\n{report.read_text()}\nwritten to {figures}\n')


def run_folder(work_dir: Path, model: str, name: str, seed: int) -> Path:
    return work_dir / f'{model}_{name}_seed{seed}'


def main() -> None:
    args = parse_args()
    args.work_dir.mkdir(parents=True, exist_ok=True)
    if args.jobs > 1:
        os.environ['OMP_NUM_THREADS'] = '1'
    jobs = list(product(args.models, args.seeds, NAMES))

    def run(job: tuple[str, int, str]) -> dict:
        model, seed, name = job
        options = [f'randomness.seed={seed}', *data_root_options(roots[name]), *args.cfg_options]
        folder = run_folder(args.work_dir, model, name, seed)
        return train_and_test(folder, CONFIGS[model], options, {'all frames': []})

    try:
        roots = make_trees(args.data, args.clips, args.work_dir / 'data.log')
        with ThreadPool(args.jobs) as pool:
            list(tqdm(pool.imap(run, jobs), 'runs', len(jobs), unit='run'))
        for model in args.models:
            compare(args.work_dir, model, args.seeds)
    except RuntimeError as error:
        sys.exit(f'error: {error}; correct the cause and repeat the command, finished runs are kept')


if __name__ == '__main__':
    main()
