r"""Kills a training at random times, resumes it each time, and compares the result with an uninterrupted training.

    python tools/analysis_tools/kill_and_resume.py configs/cavp/cavp_r18_mini-6e.py --kills 20

Both trainings are runs of `tools/train.py --resume`. SIGKILL ends all processes of a training at once, including the
workers of the data loader. Some kills happen while a checkpoint is being written, the others at a random time after the
start. The tool checks that

- the final checkpoints have the same names and are bit-identical (weights, optimizer, schedules), and there are no
  temporary or replaced files,
- the samples that are loaded after a resume follow those before the checkpoint and are those of the uninterrupted
  training.

It prints the state of the training at each kill. The exit status is 1 if a check fails. Needs Linux and a training of
at least a minute.
"""

import argparse
import random
import sys
import time
from pathlib import Path
from typing import NamedTuple

import torch
from recorded_training import WAIT, Training

from mmavs.engine.runner.checkpoint_files import find_damage


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config of the training')
    parser.add_argument('--kills', type=int, default=20, help='number of kills (default: %(default)s)')
    parser.add_argument(
        '--writing',
        type=float,
        default=0.4,
        help='share of kills while a checkpoint is written (default: %(default)s)',
    )
    parser.add_argument(
        '--interval',
        type=int,
        default=1,
        help='epochs, or iterations of an iteration-based config, between checkpoints (default: %(default)s)',
    )
    parser.add_argument('--processes', type=int, default=1, help='number of training processes (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0, help='seed of the random times (default: %(default)s)')
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/kill_and_resume'))
    parser.add_argument('--cfg-options', nargs='+', default=[], help='passed on to the training')
    return parser.parse_args(argv)


class Uninterrupted(NamedTuple):
    """The uninterrupted training.

    Attributes:
        training: The training.
        seconds: Its duration.
        start: Seconds until its first step.
    """

    training: Training
    seconds: float
    start: float


def run_uninterrupted(args: argparse.Namespace) -> Uninterrupted:
    """Trains without interruption."""
    training = Training(args, args.work_dir / 'uninterrupted', 0)
    while not training.notes('step'):
        if training.wait(0.05):
            raise RuntimeError('the training recorded no step')
    start = time.monotonic() - training.begun
    training.wait(WAIT)
    return Uninterrupted(training, time.monotonic() - training.begun, start)


def kill_once(
    training: Training, uninterrupted: Uninterrupted, args: argparse.Namespace, writing: bool, rng
) -> str | None:
    """Kills a training after a random time; returns None if the training ended before.

    Returns:
        str: State of the training at the kill.
    """
    if writing:
        ended = not training.wait_for_writing(rng.randint(1, 2))
        time.sleep(rng.uniform(0, 0.002))
    else:
        share = (uninterrupted.seconds - uninterrupted.start) / args.kills
        ended = training.wait(rng.uniform(0, uninterrupted.start + 1.5 * share))
    if ended:
        return None
    training.kill()
    start, steps = training.notes('start'), training.notes('step')
    met = [f'after {time.monotonic() - training.begun:5.1f} s']
    met += [f'from step {start[0][0]}'] if start else ['before the training began']
    met += [f'after step {steps[-1][0]}'] if steps else []
    met += [f'while writing {name}' for name in training.being_written()]
    met += [f'{path.name} is damaged' for path in training.folder.glob('*.pth') if find_damage(path)]
    return ', '.join(met)


def check_reads(trainings: list[Training], uninterrupted: Training) -> list[str]:
    """Messages about samples that were loaded again or that differ."""
    problems = []
    wanted = {tuple(place): index for *place, index in uninterrupted.notes('read')}
    for training in trainings:
        starts = training.notes('start')
        for epoch, rank, number, index in training.notes('read'):
            if (epoch, number) < tuple(starts[0][1:]):
                problems.append(f'{training.record}: draw {number} of pass {epoch} was loaded again')
            if wanted.get((epoch, rank, number), index) != index:
                problems.append(f'{training.record}: draw {number} of pass {epoch} is another sample')
    return problems


def check_files(found: Path, wanted: Path) -> list[str]:
    """Messages about differences between two work dirs."""
    names = [sorted(path.name for path in folder.glob('*.pth*')) for folder in (found, wanted)]
    if names[0] != names[1]:
        return [f'the checkpoints are {names[0]} instead of {names[1]}']
    problems = []
    for name in names[1]:
        a, b = (torch.load(folder / name, weights_only=True) for folder in (found, wanted))
        problems += [f'{name}: {key}' for key in ('state_dict', 'optimizer', 'param_schedulers')
                     if not _equal(a.get(key), b.get(key))]  # fmt: skip
    return problems


def _equal(a, b) -> bool:
    """True if nested containers are equal, with bit-identical tensors."""
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(_equal(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(_equal, a, b))
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and torch.equal(a, b)
    return a == b


def main(argv=None) -> None:
    args = parse_args(argv)
    if args.work_dir.is_dir() and any(args.work_dir.iterdir()):
        sys.exit(f'error: {args.work_dir} is not empty; remove it or choose another --work-dir')
    args.work_dir.mkdir(parents=True, exist_ok=True)
    rng, folder = random.Random(args.seed), args.work_dir / 'killed'
    try:
        uninterrupted = run_uninterrupted(args)
        print(
            f'uninterrupted: {uninterrupted.seconds:.1f} s, the first step after {uninterrupted.start:.1f} s',
            flush=True,
        )
        writing = [i < round(args.writing * args.kills) for i in range(args.kills)]
        rng.shuffle(writing)
        trainings: list[Training] = []
        for number, kind in enumerate(writing):
            trainings.append(Training(args, folder, number))
            met = kill_once(trainings[-1], uninterrupted, args, kind, rng)
            print(f'kill {number + 1}: {met}' if met else f'{number} kills hit a running training', flush=True)
            if met is None:
                break
        else:
            trainings.append(Training(args, folder, args.kills))
            trainings[-1].wait(WAIT)
    except RuntimeError as error:
        sys.exit(f'error: {error}')
    problems = check_files(folder, args.work_dir / 'uninterrupted') + check_reads(trainings, uninterrupted.training)
    print('\n'.join(problems) or 'equal: bit-identical checkpoints, samples without repetition')
    sys.exit(bool(problems))


if __name__ == '__main__':
    main()
