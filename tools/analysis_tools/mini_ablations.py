"""Runs the ablations of the paper (Tables 4 and 5, Figures 6 and 7) on the mini set, in pairs of equal seeds.

    python tools/analysis_tools/mini_ablations.py --jobs 2             # all rows and seeds
    python tools/analysis_tools/mini_ablations.py --jobs 2 --seeds 0   # a first look

1. An image-only network learns all objects of the mini set, sounding or not. Every row starts from its weights, as the
   networks of the paper start from weights of ImageNet.
2. The weight of the contrastive loss is chosen from 0.1, 0.3 and 1, alike for SupCon and CAVP: the highest mean mIoU of
   the validation split over both and two seeds, which are not used again.
3. Each row is trained with each seed and tested after its last epoch. Rows of one seed have the order of the data in
   common, and the start.

The primary outcome, fixed beforehand, is mIoU on the test split. The second is the share of pixels that are predicted
under the audio of a class that is absent. The tool writes table.md and results.json. Finished runs are kept when the
command is repeated, and interrupted trainings continue.
"""

import argparse
import json
import os
import statistics
import sys
from multiprocessing.pool import ThreadPool
from pathlib import Path

from mini_ablation import run_tool
from mini_ablations_rows import COMPARISONS, ROWS, WEIGHT_SEEDS, WEIGHTS, make_report
from run_results import read_metrics
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = ROOT / 'configs' / 'ablations'
PARTS = ('backbone', 'neck', 'decode_head')  # that begin with the weights of the start
SWAPPED = 200  # test images for the second outcome


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seeds', type=int, nargs='+', help='seeds of every row (default: 0 to 7, or 0 to 2)')
    parser.add_argument('--rows', nargs='+', choices=list(ROWS), default=list(ROWS), help='default: all')
    parser.add_argument('--weight', type=float, help='weight of the contrastive loss; skips its choice')
    parser.add_argument('--data', type=Path, default=Path('data/mini-ablations'), help='the mini set')
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/ablations'))
    parser.add_argument('--jobs', type=int, default=1, help='parallel runs; with several, each has one thread')
    parser.add_argument('--cfg-options', nargs='+', default=[], help='options for training and testing')
    args = parser.parse_args(argv)
    if args.seeds and set(args.seeds) & set(WEIGHT_SEEDS):
        parser.error(f'seeds {WEIGHT_SEEDS} choose the weight of the contrastive loss; take others')
    return args


class Ablations:
    """Trains and tests the rows.

    Args:
        args: The options.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.start = args.work_dir / 'start'
        self.options = [f'data_root={args.data}', *args.cfg_options]

    def train_start(self) -> Path:
        """The checkpoint from which every row starts."""
        config = CONFIGS / 'objects_r18_mini.py'
        options = [f'data_root={self.args.data / "objects"}', *self.args.cfg_options]
        return self._train(self.start, config, options, 'image-only network of all objects')

    def choose_weight(self) -> float:
        """The weight of the contrastive loss with the highest mean mIoU on the validation split."""
        if self.args.weight is not None:
            return self.args.weight
        jobs = [(weight, row, seed) for weight in WEIGHTS for row in ('SupCon', 'CAVP') for seed in WEIGHT_SEEDS]
        found = self._map(lambda job: self._validate(*job), jobs, 'weight of the loss')
        means = {
            weight: statistics.mean(value for job, value in zip(jobs, found, strict=True) if job[0] == weight)
            for weight in WEIGHTS
        }
        chosen = max(means, key=means.get)
        write_json(self.args.work_dir / 'weight.json', dict(chosen=chosen, mean_val_mIoU=means))
        return chosen

    def _validate(self, weight: float, row: str, seed: int) -> float:
        folder = self.args.work_dir / 'weights' / f'{ROWS[row].config}_{weight:g}_seed{seed}'
        config = CONFIGS / f'{ROWS[row].config}_r18_mini.py'
        self._train(folder, config, self._row_options(row, seed, weight), str(folder))
        return read_metrics(folder, 'val')['mIoU']

    def run(self, weight: float) -> dict[str, dict[int, dict]]:
        """The outcomes of each row and seed."""
        jobs = [(row, seed) for row in self.args.rows for seed in self.args.seeds or range(ROWS[row].seeds)]
        jobs.sort(key=lambda job: job[1])  # complete pairs first
        found = self._map(lambda job: self._run_row(*job, weight), jobs, 'runs')
        results: dict[str, dict[int, dict]] = {row: {} for row in self.args.rows}
        for (row, seed), result in zip(jobs, found, strict=True):
            results[row][seed] = result
        return results

    def _run_row(self, row: str, seed: int, weight: float) -> dict[str, float]:
        folder = self.args.work_dir / f'{ROWS[row].config}_seed{seed}'
        result_file = folder / 'result.json'
        if result_file.is_file() and (known := json.loads(result_file.read_text()))['weight'] == weight:
            return known
        config, options = CONFIGS / f'{ROWS[row].config}_r18_mini.py', self._row_options(row, seed, weight)
        checkpoint, log = self._train(folder, config, options, str(folder)), folder / 'output.log'
        test = ('--work-dir', str(folder / 'test'), '--cfg-options', *options)
        run_tool(log, 'test.py', str(config), str(checkpoint), *test)
        result = dict(weight=weight, **{k: read_metrics(folder / 'test')[k] for k in ('mIoU', 'mF')})
        if row != 'image only':
            result['wrong_audio'] = self._wrong_audio(folder, config, checkpoint, options)
        write_json(result_file, result)
        return result

    def _wrong_audio(self, folder: Path, config: Path, checkpoint: Path, options: list[str]) -> float:
        """Percent of the pixels that are predicted as an object under the audio of an absent class."""
        out = folder / 'audio_swap'
        instances = self.args.data / 'source' / 'instances.json'
        command = ('--out', str(out), '--instances', str(instances), '--number', str(SWAPPED), '--pictures', '0')
        tool = 'analysis_tools/audio_swap.py'
        run_tool(folder / 'output.log', tool, str(config), str(checkpoint), *command, '--cfg-options', *options)
        return 100 * json.loads((out / 'scores.json').read_text())['off-screen sound']['predicted']

    def _row_options(self, row: str, seed: int, weight: float) -> list[str]:
        start = last_checkpoint(self.start)
        options = [f'model.{part}.init_cfg.checkpoint={start}' for part in PARTS]
        if ROWS[row].has_loss:
            options.append(f'model.contrast_loss.loss_weight={weight}')
        return [*options, f'randomness.seed={seed}', *self.options]

    @staticmethod
    def _train(folder: Path, config: Path, options: list[str], name: str) -> Path:
        """The last checkpoint of a training, which is continued if it was interrupted."""
        done = folder / 'trained.json'
        settings = dict(config=config.name, options=options)
        if not done.is_file() or json.loads(done.read_text()) != settings:
            folder.mkdir(parents=True, exist_ok=True)
            print(f'training: {name}', flush=True)
            command = ('train.py', str(config), '--work-dir', str(folder), '--resume', '--cfg-options', *options)
            run_tool(folder / 'output.log', *command)
            write_json(done, settings)
        return last_checkpoint(folder)

    def _map(self, function, jobs: list, name: str) -> list:
        with ThreadPool(self.args.jobs) as pool:
            return list(tqdm(pool.imap(function, jobs), name, len(jobs), unit='run'))


def last_checkpoint(folder: Path) -> Path:
    """The checkpoint after the last epoch."""
    return max(folder.glob('epoch_*.pth'), key=lambda path: int(path.stem.split('_')[1]))


def write_json(path: Path, content: dict) -> None:
    """Writes a file at once."""
    partial = path.with_suffix('.tmp')
    partial.write_text(json.dumps(content, indent=1) + '\n')
    partial.replace(path)


def main(argv=None) -> None:
    args = parse_args(argv)
    if args.jobs > 1:
        os.environ['OMP_NUM_THREADS'] = '1'
    ablations = Ablations(args)
    try:
        ablations.train_start()
        weight = ablations.choose_weight()
        results = ablations.run(weight)
    except RuntimeError as error:
        sys.exit(f'error: {error}; correct the cause and repeat the command, finished runs are kept')
    report = make_report(results, COMPARISONS, weight)
    (args.work_dir / 'table.md').write_text(report + '\n')
    write_json(args.work_dir / 'results.json', dict(weight=weight, results=results))
    print(f'{report}\n\nwritten to {args.work_dir / "table.md"} and {args.work_dir / "results.json"}')


if __name__ == '__main__':
    main()
