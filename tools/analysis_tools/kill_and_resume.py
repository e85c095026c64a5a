r"""Kills a training at random moments, resumes it each time, and compares its end with that of one left alone.

    python tools/analysis_tools/kill_and_resume.py configs/cavp/cavp_r18_mini-6e.py --kills 20

Both trainings are runs of `tools/train.py --resume`. SIGKILL ends all processes of one at once, those that load data
too. Part of the kills wait until a checkpoint is being written, the others come at any moment from the start on. Checked:

- the last checkpoints are equal bit for bit: weights, optimizer, schedules; so are the best ones and their names,
- every sample that is read after a resume comes after those that the checkpoint has seen, and is the one that the
  undisturbed training reads there,
- nothing half-written and no replaced checkpoint is left.

Prints what each kill met; the status is 1 where a check fails. Needs Linux and a training of a minute or more, so that
the kills find it running.
"""

import argparse
import multiprocessing
import os
import random
import runpy
import shutil
import signal
import socket
import sys
import time
from pathlib import Path
from typing import NamedTuple

import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop
from mmseg.registry import DATASETS, RUNNERS

import mmavs.datasets  # noqa: F401
from mmavs.engine import AVRunner
from mmavs.engine.checkpoint_files import PART, find_damage
from mmavs.engine.seeded_dataloader import batch_size_of
from mmavs.engine.seeding import Draw, SeededDataset

TRAIN = Path(__file__).resolve().parents[1] / 'train.py'
FORK = multiprocessing.get_context('fork')  # a start takes a second or two in place of ten
WAIT = 1800  # seconds for a training to come to something
_record = Path()  # of the training in this process


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config of the training')
    parser.add_argument('--kills', type=int, default=20, help='how many (default: %(default)s)')
    parser.add_argument('--writing', type=float, default=0.4, help='share of kills while writing (default: %(default)s)')
    parser.add_argument('--interval', type=int, default=2, help='steps between checkpoints (default: %(default)s)')
    parser.add_argument('--processes', type=int, default=1, help='processes that train together (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0, help='of the moments (default: %(default)s)')
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/kill_and_resume'))
    parser.add_argument('--cfg-options', nargs='+', default=[], help='passed on to the training')
    return parser.parse_args(argv)


def note(*words: object) -> None:
    """Adds a line to the record of this training, in one write, since several processes do so."""
    with _record.open('a') as f:
        f.write(' '.join(map(str, words)) + '\n')


class StepRecorder(Hook):
    """Notes where a training begins, and its steps."""

    priority = 'VERY_HIGH'

    def before_train(self, runner) -> None:
        """Notes the first pass and the first draw that have not been seen, by the count of steps alone."""
        loader, epoch, step = runner.train_dataloader, 0, runner.iter
        if isinstance(runner.train_loop, EpochBasedTrainLoop):
            epoch, step = divmod(step, len(loader))
        note('start', runner.iter, epoch, step * batch_size_of(loader))

    def after_train_iter(self, runner, batch_idx: int, data_batch=None, outputs=None) -> None:
        """Notes the steps that are done."""
        if get_rank() == 0:
            note('step', runner.iter + 1)


class RecordedDataset(SeededDataset):
    """Notes what is read."""

    def __getitem__(self, draw):
        if isinstance(draw, Draw):
            _, epoch, rank, number = draw.place
            note('read', epoch, rank, number, draw.index)
        return super().__getitem__(draw)


class RecordedRunner(AVRunner):
    """Has a hook more."""

    def train(self):
        """The training."""
        self.register_hook(StepRecorder())
        return super().train()


def train(args: argparse.Namespace, folder: Path, record: Path, rank: int, port: int) -> None:
    """The training, as `tools/train.py` does it; runs in a process of its own."""
    global _record
    os.setsid()  # a group, for the kill
    _record = record
    with (folder.parent / f'{folder.name}.log').open('a') as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    torch.set_num_threads(1)
    DATASETS.register_module(name='SeededDataset', module=RecordedDataset, force=True)
    RUNNERS.register_module(name='AVRunner', module=RecordedRunner, force=True)
    checkpoint = ['by_epoch=False', f'interval={args.interval}', 'max_keep_ckpts=2']
    options = [f'default_hooks.checkpoint.{option}' for option in checkpoint] + args.cfg_options
    sys.argv = ['train.py', args.config, '--work-dir', str(folder), '--resume', '--cfg-options', *options]
    if args.processes > 1:
        os.environ.update(
            RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(args.processes), MASTER_ADDR='127.0.0.1',
            MASTER_PORT=str(port),
        )  # fmt: skip
        sys.argv += ['--launcher', 'pytorch']
    runpy.run_path(str(TRAIN), run_name='__main__')


class Training:
    """A training that runs in processes of its own.

    Args:
        args: The options.
        folder: Its work dir.
        number: Of the run in this work dir.
    """

    def __init__(self, args: argparse.Namespace, folder: Path, number: int) -> None:
        self.folder = folder
        self.record = folder.parent / f'{folder.name}_{number}.txt'
        self.begun = time.monotonic()
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            port = s.getsockname()[1]
        self.processes = [
            FORK.Process(target=train, args=(args, folder, self.record, rank, port)) for rank in range(args.processes)
        ]
        for process in self.processes:
            process.start()

    def wait(self, seconds: float) -> bool:
        """Waits; returns whether the training has ended by itself.

        Raises:
            RuntimeError: It failed.
        """
        end = time.monotonic() + seconds
        while any(p.is_alive() for p in self.processes) and not any(p.exitcode for p in self.processes):
            if time.monotonic() >= end:
                return False
            self.processes[0].join(0.01)
        if any(p.exitcode for p in self.processes):
            self.kill()
            raise RuntimeError(f'a training failed, see {self.folder}.log')
        return True

    def wait_for_writing(self, count: int) -> bool:
        """Waits until a checkpoint is being written for the ``count``th time; returns whether that came."""
        parts, end = set(), time.monotonic() + WAIT
        while len(parts) < count and time.monotonic() < end:
            if self.wait(0):
                return False
            parts.update(name for name in _listing(self.folder) if name.endswith(PART))
        return True

    def kill(self) -> None:
        """Ends all processes by SIGKILL."""
        for process in self.processes:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                process.kill()  # it has no group yet, or is gone
            process.join()

    def notes(self, kind: str) -> list[list[int]]:
        """The numbers of the record's lines of one kind."""
        lines = self.record.read_text().splitlines() if self.record.exists() else []
        return [list(map(int, line.split()[1:])) for line in lines if line.split()[0] == kind]


def _listing(folder: Path) -> list[str]:
    return os.listdir(folder) if folder.is_dir() else []


class Undisturbed(NamedTuple):
    """What the training left alone was like.

    Attributes:
        training: The training.
        seconds: How long it took.
        start: Seconds to its first step.
    """

    training: Training
    seconds: float
    start: float


def run_undisturbed(args: argparse.Namespace) -> Undisturbed:
    """Trains without interruption."""
    training = Training(args, args.work_dir / 'undisturbed', 0)
    while not training.notes('step'):
        if training.wait(0.05):
            raise RuntimeError('the training has no step')
    start = time.monotonic() - training.begun
    training.wait(WAIT)
    return Undisturbed(training, time.monotonic() - training.begun, start)


def kill_once(training: Training, undisturbed: Undisturbed, args: argparse.Namespace, writing: bool, rng) -> str | None:
    """Lets a training run for a while and kills it; None if it ended before.

    Returns:
        str: What the kill met.
    """
    if writing:
        ended = not training.wait_for_writing(rng.randint(1, 2))
        time.sleep(rng.uniform(0, 0.004))
    else:
        share = (undisturbed.seconds - undisturbed.start) / args.kills
        ended = training.wait(rng.uniform(0, undisturbed.start + 1.5 * share))
    if ended:
        return None
    training.kill()
    start, steps = training.notes('start'), training.notes('step')
    met = [f'after {time.monotonic() - training.begun:5.1f} s']
    met.append(f'from step {start[0][0]}, ' + (f'after step {steps[-1][0]}' if steps else 'before a step')
               if start else 'before the training began')  # fmt: skip
    names = _listing(training.folder)
    met += [f'while writing {name.rsplit(".", 2)[0]}' for name in names if name.endswith(PART)]
    met += [f'{name} is damaged' for name in names if name.endswith('.pth') and find_damage(training.folder / name)]
    return ', '.join(met)


def check_reads(trainings: list[Training], undisturbed: Training) -> list[str]:
    """What is wrong with the samples that were read."""
    problems = []
    wanted = {tuple(place): index for *place, index in undisturbed.notes('read')}
    for training in trainings:
        starts = training.notes('start')
        for epoch, rank, number, index in training.notes('read'):
            if (epoch, number) < tuple(starts[0][1:]):
                problems.append(f'{training.record}: draw {number} of pass {epoch} was read again')
            if wanted.get((epoch, rank, number), index) != index:
                problems.append(f'{training.record}: draw {number} of pass {epoch} is another sample')
    return problems


def check_files(found: Path, wanted: Path) -> list[str]:
    """What differs between two work dirs."""
    names = [sorted(name for name in _listing(folder) if '.pth' in name) for folder in (found, wanted)]
    if names[0] != names[1]:
        return [f'the checkpoints are {names[0]} in place of {names[1]}']
    problems = []
    for name in names[1]:
        a, b = (torch.load(folder / name, weights_only=True) for folder in (found, wanted))
        problems += [f'{name}: {key}' for key in ('state_dict', 'optimizer', 'param_schedulers')
                     if not _equal(a.get(key), b.get(key))]  # fmt: skip
    return problems


def _equal(a, b) -> bool:
    """Whether nested containers hold the same, tensors bit for bit."""
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(_equal(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(_equal, a, b))
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and torch.equal(a, b)
    return a == b


def main(argv=None) -> None:
    args = parse_args(argv)
    shutil.rmtree(args.work_dir, ignore_errors=True)
    args.work_dir.mkdir(parents=True)
    rng, folder = random.Random(args.seed), args.work_dir / 'killed'
    try:
        undisturbed = run_undisturbed(args)
        print(f'undisturbed: {undisturbed.seconds:.1f} s, the first step after {undisturbed.start:.1f} s', flush=True)
        writing = [i < round(args.writing * args.kills) for i in range(args.kills)]
        rng.shuffle(writing)
        trainings: list[Training] = []
        for number, kind in enumerate(writing):
            trainings.append(Training(args, folder, number))
            met = kill_once(trainings[-1], undisturbed, args, kind, rng)
            print(f'kill {number + 1}: {met}' if met else f'{number} kills found the training running', flush=True)
            if met is None:
                break
        else:
            trainings.append(Training(args, folder, args.kills))
            trainings[-1].wait(WAIT)
    except RuntimeError as error:
        sys.exit(f'error: {error}')
    problems = check_files(folder, args.work_dir / 'undisturbed') + check_reads(trainings, undisturbed.training)
    print('\n'.join(problems) or 'equal: checkpoints bit for bit, samples without repetition')
    sys.exit(bool(problems))


if __name__ == '__main__':
    main()
