"""Trains a model: `python tools/train.py CONFIG`, with the options of mmseg's tool of that name."""

import argparse

from mmengine.config import Config
from mmengine.device import get_device
from mmseg.registry import RUNNERS

from mmavs.engine.runner.allocator import keep_freed_memory
from mmavs.engine.runner.launch import add_common_arguments, leave_processes, load_config


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Train an audio-visual segmentor')
    add_common_arguments(parser)
    parser.add_argument('--resume', action='store_true', help='resume from the newest usable checkpoint')
    parser.add_argument('--amp', action='store_true', help='train with automatic mixed precision')
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rates by the total batch size / auto_scale_lr.base_batch_size',
    )
    return parser.parse_args()


def enable_amp(cfg: Config) -> None:
    """Replaces the optimizer wrapper by one with mixed precision."""
    if cfg.optim_wrapper.type not in ('OptimWrapper', 'AmpOptimWrapper'):
        raise ValueError(
            f'--amp needs optim_wrapper.type OptimWrapper or AmpOptimWrapper, the config has {cfg.optim_wrapper.type}'
        )
    if get_device() == 'cpu':
        cfg.optim_wrapper.type = 'CPUAmpOptimWrapper'
        cfg.optim_wrapper.pop('loss_scale', None)
        cfg.optim_wrapper.pop('dtype', None)
    else:
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')


def main() -> None:
    args = parse_args()
    keep_freed_memory()
    cfg = load_config(args)
    if args.amp:
        enable_amp(cfg)
    if args.auto_scale_lr:
        if 'auto_scale_lr' not in cfg:
            raise ValueError('--auto-scale-lr needs auto_scale_lr=dict(base_batch_size=...) in the config')
        cfg.auto_scale_lr.enable = True
    cfg.resume = args.resume
    RUNNERS.build(cfg).train()
    leave_processes()


if __name__ == '__main__':
    main()
