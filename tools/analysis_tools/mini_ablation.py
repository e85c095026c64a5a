"""Trains CAVP on the mini set with stereo, mono and silent audio and compares the metrics.

    python tools/analysis_tools/mini_ablation.py --seeds 0 1 2

A run trains once and tests the best checkpoint on the validation split twice: on all test images, and on those with
several instances of a class. Finished runs are kept and interrupted runs continue when the command is repeated. The
tool writes a Markdown table and all results as JSON to the work dir.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from multiprocessing.pool import ThreadPool
from pathlib import Path

from run_results import read_metrics
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = dict(stereo='cavp_r18_mini.py', mono='cavp_r18_mini-mono.py', silent='cavp_r18_mini-silent.py')
SUBSETS = {'all test images': [], 'several instances of one class': ['test_dataloader.dataset.multi_instance=True']}


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Compare stereo, mono and silent audio on the mini set')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    parser.add_argument('--audio', nargs='+', choices=list(CONFIGS), default=list(CONFIGS))
    former = dict(dest='audio', default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    parser.add_argument('--sounds', nargs='+', choices=list(CONFIGS), **former)  # the option's name before 0.1.0
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/mini_ablation'))
    parser.add_argument('--jobs', type=int, default=1, help='parallel runs; with several, each has one thread')
    parser.add_argument('--cfg-options', nargs='+', default=[], help='config options for training and testing')
    return parser.parse_args()


def run_tool(log: Path, *command: str) -> None:
    """Runs a tool of this repository; appends its output to ``log``."""
    with log.open('a') as f:
        result = subprocess.run(
            [sys.executable, str(ROOT / 'tools' / command[0]), *command[1:]], stdout=f, stderr=subprocess.STDOUT
        )
    if result.returncode:
        raise RuntimeError(f'{" ".join(command)} failed, see {log}')


def train_and_test(
    folder: Path, config: Path, options: list[str], subsets: dict[str, list[str]] = SUBSETS
) -> dict[str, dict[str, float]]:
    """Metrics of a set-up and seed by subset. Those of a finished run are read from its result file."""
    result_file = folder / 'result.json'
    if result_file.is_file():
        return json.loads(result_file.read_text())
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / 'output.log'
    run_tool(log, 'train.py', str(config), '--work-dir', str(folder), '--resume', '--cfg-options', *options)
    best = sorted(folder.glob('best_mIoU_*.pth'), key=lambda p: p.stat().st_mtime)[-1]
    results = {}
    for name, changes in subsets.items():
        test_dir = folder / f'test_{name.replace(" ", "_")}'
        run_tool(
            log, 'test.py', str(config), str(best), '--work-dir', str(test_dir), '--cfg-options', *options, *changes
        )
        results[name] = read_metrics(test_dir)
    partial = result_file.with_suffix('.tmp')
    partial.write_text(json.dumps(results, indent=1))
    partial.replace(result_file)
    return results


def make_table(results: dict[str, list[dict]]) -> str:
    """Mean and standard deviation over the seeds, as Markdown."""
    lines = [
        '| audio | ' + ' | '.join(f'mIoU, {s} | F, {s}' for s in SUBSETS) + ' |',
        '|---|' + '---:|' * (2 * len(SUBSETS)),
    ]
    for audio, runs in results.items():
        cells = []
        for subset in SUBSETS:
            for metric in ('mIoU', 'mF'):
                values = [run[subset][metric] for run in runs]
                spread = f' ± {statistics.stdev(values):.1f}' if len(values) > 1 else ''
                cells.append(f'{statistics.mean(values):.1f}{spread}')
        lines.append(f'| {audio} | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines)


def main() -> None:
    args = parse_args()
    results: dict[str, list[dict]] = {audio: [] for audio in args.audio}
    jobs = [(seed, audio) for seed in args.seeds for audio in args.audio]
    if args.jobs > 1:
        os.environ['OMP_NUM_THREADS'] = '1'

    def run(job):
        seed, audio = job
        return train_and_test(
            args.work_dir / f'{audio}_seed{seed}',
            ROOT / 'configs' / 'cavp' / CONFIGS[audio],
            [f'randomness.seed={seed}', *args.cfg_options],
        )

    try:
        with ThreadPool(args.jobs) as pool:
            for (_, audio), result in zip(jobs, tqdm(pool.imap(run, jobs), 'runs', len(jobs), unit='run'), strict=True):
                results[audio].append(result)
    except RuntimeError as error:
        sys.exit(f'error: {error}; correct the cause and repeat the command, finished runs are kept')
    table = make_table(results)
    (args.work_dir / 'table.md').write_text(table + '\n')
    (args.work_dir / 'figures.json').write_text(json.dumps(dict(seeds=args.seeds, results=results), indent=1))
    print(table)
    print(f'written to {args.work_dir / "table.md"} and {args.work_dir / "figures.json"}')


if __name__ == '__main__':
    main()
