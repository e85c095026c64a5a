"""What `tools/train.py` and `tools/test.py` share."""

import argparse
import gc
import os
import os.path as osp

import torch
import torch.distributed
from mmengine.config import Config, DictAction
from mmengine.logging import print_log


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that mmseg's tools have in common."""
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
        help='change settings of the config, e.g. train_cfg.max_epochs=10 or key="[(a,b),(c,d)]"',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='how several processes are started; tools/dist_train.sh sets it',
    )
    # Some launchers pass this instead of setting the variable.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


def load_config(args: argparse.Namespace) -> Config:
    """The config with the changes that the command line asks for, ready for several processes."""
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = Config.fromfile(args.config)
    cfg.launcher = args.launcher
    cfg.setdefault('runner_type', 'AVRunner')
    cfg.merge_from_dict(args.cfg_options)
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = osp.join('work_dirs', osp.splitext(osp.basename(args.config))[0])
    if args.launcher == 'pytorch' and not torch.cuda.is_available():
        prepare_cpu_processes(cfg)
    return cfg


def prepare_cpu_processes(cfg: Config) -> None:
    """Changes a config for one of several processes on the CPU: gloo, and a model wrapper without devices.

    mmengine's own set-up expects a GPU for each.
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
        print_log('SyncBN works on GPUs only: each process normalises over its own images (BN)', 'current')


def leave_processes() -> None:
    """Ends the group of processes, if there is one, and its threads.

    gloo's threads want the interpreter when they drop the tensors of a step; if it has ended by then, they abort.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        gc.collect()  # a model of several processes holds the group, and is held by cycles
        torch.distributed.destroy_process_group()


def _replace_sync_bn(cfg: dict | list | tuple) -> int:
    """Turns every SyncBN of a model's config into BN; returns how many there were."""
    found = 0
    if isinstance(cfg, dict) and cfg.get('type') == 'SyncBN':
        cfg['type'] = 'BN'
        found += 1
    for value in cfg.values() if isinstance(cfg, dict) else cfg:
        if isinstance(value, (dict, list, tuple)):
            found += _replace_sync_bn(value)
    return found
