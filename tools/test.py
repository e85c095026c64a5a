"""Tests a model: `python tools/test.py CONFIG CHECKPOINT`, with the options of mmseg's tool of that name."""

import argparse

from mmengine.config import Config
from mmseg.registry import RUNNERS

from mmavs.engine.runner.allocator import keep_freed_memory
from mmavs.engine.runner.launch import add_common_arguments, leave_processes, load_config
from mmavs.utils.files import make_output_folder


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Test (and evaluate) an audio-visual segmentor')
    add_common_arguments(parser)
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--out', help='folder for the predictions, as PNGs of class indices')
    parser.add_argument('--show', action='store_true', help='show the predictions in a window')
    parser.add_argument('--show-dir', help='folder for pictures of the predictions')
    parser.add_argument('--wait-time', type=float, default=2, help='seconds for which --show displays an image')
    parser.add_argument('--tta', action='store_true', help='average over scales and mirrored images and audio')
    return parser.parse_args()


def enable_pictures(cfg: Config, args: argparse.Namespace) -> None:
    """Makes the visualization hook draw every sample."""
    if 'visualization' not in cfg.default_hooks:
        raise ValueError("--show and --show-dir need default_hooks.visualization=dict(type='AVSegVisualizationHook')")
    # TensorBoard would store each picture a second time.
    cfg.visualizer.vis_backends = [dict(type='LocalVisBackend')]
    cfg.default_hooks.visualization.update(draw=True, interval=1, show=args.show, wait_time=args.wait_time)
    if args.show_dir:
        make_output_folder(args.show_dir, '--show-dir')
        cfg.visualizer.save_dir = args.show_dir


def enable_tta(cfg: Config) -> None:
    """Wraps the model and sets the pipeline of test-time augmentation."""
    for key in ('tta_pipeline', 'tta_model'):
        if key not in cfg:
            raise ValueError(f'--tta needs {key} in the config')
    cfg.test_dataloader.dataset.pipeline = cfg.tta_pipeline
    cfg.tta_model.module = cfg.model
    cfg.model = cfg.tta_model


def main() -> None:
    args = parse_args()
    keep_freed_memory()
    cfg = load_config(args)
    cfg.load_from = args.checkpoint
    if args.show or args.show_dir:
        enable_pictures(cfg, args)
    if args.tta:
        enable_tta(cfg)
    if args.out:
        evaluator = cfg.test_evaluator
        (evaluator[0] if isinstance(evaluator, (list, tuple)) else evaluator).output_dir = args.out
    RUNNERS.build(cfg).test()
    leave_processes()


if __name__ == '__main__':
    main()
