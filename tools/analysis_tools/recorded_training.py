"""Trainings in separate processes that record which samples they load and which steps they run, and can be killed."""

import argparse
import multiprocessing
import os
import runpy
import signal
import socket
import sys
import time
from pathlib import Path

import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop
from mmseg.registry import DATASETS, RUNNERS

import mmavs.datasets  # noqa: F401
from mmavs.engine import AVRunner
from mmavs.engine.runner.checkpoint_files import PART
from mmavs.engine.runner.seeding import Draw, SeededDataset

TRAIN = Path(__file__).resolve().parents[1] / 'train.py'
FORK = multiprocessing.get_context('fork')  # makes a training start in one or two seconds instead of ten
WAIT = 1800  # maximum time in seconds to wait for a training
_record = Path()  # path of the record of the training in this process


def note(*words: object) -> None:
    """Appends a line to the record of this training by a single write, since several processes write to it."""
    with _record.open('a') as f:
        f.write(' '.join(map(str, words)) + '\n')


class StepRecorder(Hook):
    """Records the start and the steps of a training."""

    priority = 'VERY_HIGH'

    def before_train(self, runner) -> None:
        """Records the epoch and the draw at which the training starts."""
        loader, epoch, step = runner.train_dataloader, 0, runner.iter
        if isinstance(runner.train_loop, EpochBasedTrainLoop):
            epoch, step = divmod(step, len(loader))
        note('start', runner.iter, epoch, step * loader.batch_sampler.batch_size)

    def after_train_iter(self, runner, batch_idx: int, data_batch=None, outputs=None) -> None:
        """Records a step."""
        if get_rank() == 0:
            note('step', runner.iter + 1)


class RecordedDataset(SeededDataset):
    """Records the samples that are loaded."""

    def __getitem__(self, draw):
        if isinstance(draw, Draw):
            _, epoch, rank, number = draw.position
            note('read', epoch, rank, number, draw.index)
        return super().__getitem__(draw)


class RecordedRunner(AVRunner):
    """Adds :class:`StepRecorder`."""

    def train(self):
        """Trains with the recorder."""
        self.register_hook(StepRecorder())
        return super().train()


def train(args: argparse.Namespace, folder: Path, record: Path, rank: int, port: int) -> None:
    """Trains as `tools/train.py` does; runs in a separate process."""
    global _record
    os.setsid()  # a process group, so that all its processes can be killed
    _record = record
    with (folder.parent / f'{folder.name}.log').open('a') as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    torch.set_num_threads(1)
    DATASETS.register_module(name='SeededDataset', module=RecordedDataset, force=True)
    RUNNERS.register_module(name='AVRunner', module=RecordedRunner, force=True)
    checkpoint = [f'interval={args.interval}', 'max_keep_ckpts=2']
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
    """A training in separate processes.

    Args:
        args: The options.
        folder: The work dir.
        number: Number of the run in this work dir.
    """

    def __init__(self, args: argparse.Namespace, folder: Path, number: int) -> None:
        self.folder = folder
        self.record = folder.parent / f'{folder.name}_{number}.txt'
        self.begun, self.clock = time.monotonic(), time.time()
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            port = s.getsockname()[1]
        self.processes = [
            FORK.Process(target=train, args=(args, folder, self.record, rank, port)) for rank in range(args.processes)
        ]
        for process in self.processes:
            process.start()

    def wait(self, seconds: float) -> bool:
        """Waits; returns True if the training has ended by itself.

        Raises:
            RuntimeError: The training failed.
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
        """Waits until a checkpoint is written for the ``count``th time; returns True if that happened."""
        seen, end = set(), time.monotonic() + WAIT
        while len(seen) < count and time.monotonic() < end:
            if self.wait(0):
                return False
            time.sleep(0.0002)
            seen.update(self.being_written())
        return True

    def being_written(self) -> list[str]:
        """Names of the checkpoints that this training is writing, or was writing when it was killed."""
        found = []
        for path in self.folder.glob(f'*{PART}'):
            try:
                if path.stat().st_mtime >= self.clock:
                    found.append(path.name.removesuffix(PART))
            except FileNotFoundError:
                continue  # it has been renamed
        return found

    def kill(self) -> None:
        """Ends all processes by SIGKILL."""
        for process in self.processes:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                process.kill()  # the group does not exist yet, or has ended
            process.join()

    def notes(self, kind: str) -> list[list[int]]:
        """Numbers in the lines of one kind in the record."""
        lines = self.record.read_text().splitlines() if self.record.exists() else []
        return [list(map(int, line.split()[1:])) for line in lines if line.split()[0] == kind]
