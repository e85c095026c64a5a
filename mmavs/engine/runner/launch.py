"""Command line, config and process setup of `tools/train.py` and `tools/test.py`."""

import argparse
import gc
import os
import os.path as osp

import torch
import torch.distributed
from mmengine.config import Config, DictAction
from mmengine.logging import print_log

from mmavs.utils.config_overrides import override


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options that mmseg's tools have in common."""
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--work-dir', help='folder for logs, checkpoints and results (default: work_dirs/<name of the config>)'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        default={},
        metavar='KEY=VALUE',
        help='change settings of the config, e.g. data_root=data/other or optim_wrapper.optimizer.lr=1e-4; '
        'lists are written as key="[a,b]"',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='job launcher; tools/dist_train.sh sets it',
    )
    # Some launchers pass this instead of setting the variable.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


def load_config(args: argparse.Namespace) -> Config:
    """Reads the config, applies the options of the command line, and prepares it for several processes."""
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = Config.fromfile(args.config)
    cfg.launcher = args.launcher
    cfg.setdefault('runner_type', 'AVRunner')
    override(cfg, args.cfg_options)
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = osp.join('work_dirs', osp.splitext(osp.basename(args.config))[0])
    if args.launcher == 'pytorch' and not torch.cuda.is_available():
        prepare_cpu_processes(cfg)
    return cfg


def prepare_cpu_processes(cfg: Config) -> None:
    """Prepares a config for one of several processes on the CPU: gloo, and a model wrapper without devices.

    mmengine expects a GPU for each process.
    """
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group('gloo')
    cfg.model_wrapper_cfg = {
        'type': 'MMDistributedDataParallel',
        'broadcast_buffers': False,
        'find_unused_parameters': cfg.get('find_unused_parameters', False),
        **(cfg.get('model_wrapper_cfg') or {}),
        'device_ids': None,
    }
    wanted = cfg.get('sync_bn')
    cfg.sync_bn = None
    if _replace_sync_bn(cfg.model) or wanted:
        print_log(
            'SyncBN works on GPUs only and is replaced by BN: each process normalizes over its own images', 'current'
        )


def leave_processes() -> None:
    """Destroys the process group, if there is one, and its threads.

    gloo's threads need the interpreter to release tensors, and abort if the interpreter has ended before them.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        gc.collect()  # the wrapped model refers to the group, and reference cycles keep the model alive
        torch.distributed.destroy_process_group()


def _replace_sync_bn(cfg: dict | list | tuple) -> int:
    """Replaces every SyncBN in the config of a model by BN; returns their number."""
    found = 0
    if isinstance(cfg, dict) and cfg.get('type') == 'SyncBN':
        cfg['type'] = 'BN'
        found += 1
    for value in cfg.values() if isinstance(cfg, dict) else cfg:
        if isinstance(value, (dict, list, tuple)):
            found += _replace_sync_bn(value)
    return found
