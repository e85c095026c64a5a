"""Runs functions in several processes of one group, as in a training on several GPUs."""

import multiprocessing
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed
import torch.multiprocessing

from mmavs.engine.runner.launch import leave_processes

TIMEOUT = 600  # seconds; many, since a busy machine is slow
# They are forked from a process that has imported these modules.
multiprocessing.set_forkserver_preload(['mmavs', 'mmseg.apis', 'pytest'])


def run_in_processes(function: Callable[..., Any], *args: Any, folder: Path, world: int = 2) -> list[Any]:
    """Calls ``function(*args)`` in each process of a gloo group.

    Args:
        function: A function at the top level of a module that returns tensors and plain containers.
        args: Arguments, the same for each process.
        folder: Folder that the processes share; a new one for each call.
        world: Number of processes.

    Returns:
        list: Result of each process, by rank.

    Raises:
        Exception: One of them failed, or they took longer than ``TIMEOUT`` seconds.
    """
    folder.mkdir(parents=True)
    context = torch.multiprocessing.start_processes(
        _work, (function, args, world, folder), nprocs=world, join=False, start_method='forkserver'
    )
    end = time.monotonic() + TIMEOUT
    try:
        while not context.join(timeout=1, grace_period=5):
            assert time.monotonic() < end, 'the processes wait for one another'
    finally:
        for process in context.processes:
            process.kill()
    return [torch.load(folder / f'{rank}.pt') for rank in range(world)]


def _work(rank: int, function: Callable[..., Any], args: tuple, world: int, folder: Path) -> None:
    os.environ['LOCAL_RANK'] = str(rank)
    os.chdir(folder)  # where mmengine collects results
    torch.set_num_threads(1)
    torch.distributed.init_process_group('gloo', init_method=f'file://{folder}/group', rank=rank, world_size=world)
    torch.save(function(*args), folder / f'{rank}.pt')
    leave_processes()
