"""Counts parameters, FLOPs and activations of each part of a model, for one image and its audio.

    python tools/analysis_tools/get_flops.py configs/cavp/cavp_r50_vpo-msmi.py --shape 512 512

The counts are those of mmengine.analysis: a multiplication and its addition are one operation, and activations are the
outputs of convolutions and matrix products. Parts for training only, such as the contrastive loss, are not counted.
"""

import argparse
import sys
from importlib.util import find_spec
from math import prod
from pathlib import Path
from typing import NamedTuple

if find_spec('mmavs') is None:  # not installed: use the package in this repository
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from mmengine.analysis import ActivationAnalyzer, FlopAnalyzer, parameter_count
from mmengine.config import Config, DictAction
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS

import mmavs  # noqa: F401
from mmavs.audio import LogMelSpec, seconds_to_samples

PARTS = ('backbone', 'neck', 'audio_backbone', 'fusion', 'decode_head')
TOTAL = 'total'


class Complexity(NamedTuple):
    """Parameters of a part, and FLOPs and activations for one image."""

    parameters: int
    flops: int
    activations: int


class _CallsParts(torch.nn.Module):
    """Calls each part by its ``forward``, since mmengine counts the operations of a module in its ``forward``.

    The segmentor calls other methods of the fusion, whose operations would not be counted for the fusion.
    """

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: torch.Tensor, log_mel: torch.Tensor) -> torch.Tensor:
        features = self.model.extract_feat(images)
        prompts = self.model.encode_prompts(dict(img=images, audio=log_mel))
        return self.model.forward_heads(self.model.fusion(features, **prompts))


def count(cfg: Config, shape: tuple[int, int]) -> dict[str, Complexity]:
    """Counts each part of a model and the total.

    Args:
        cfg: Config of the model.
        shape: Height and width of the image.

    Returns:
        dict: Name of the part, or ``'total'`` -> its complexity.
    """
    options = cfg.model.to_dict()
    options.pop('data_preprocessor')
    with DefaultScope.overwrite_default_scope('mmseg'):
        model = _CallsParts(revert_sync_batchnorm(MODELS.build(options)).eval())
    inputs = (torch.zeros(1, 3, *shape), torch.zeros(1, *spectrogram_shape(cfg)))
    flops, activations = (analyzer(model, inputs) for analyzer in (FlopAnalyzer, ActivationAnalyzer))
    # mmengine has no handler for this operation, a matrix product and a sum.
    flops.set_op_handle('aten::baddbmm', _baddbmm_flops)
    activations.set_op_handle('aten::baddbmm', lambda inputs, outputs: prod(outputs[0].type().sizes()))
    for analyzer in (flops, activations):
        analyzer.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings('none')
    parameters = parameter_count(model)
    names = {TOTAL: '', **{part: f'model.{part}' for part in PARTS if getattr(model.model, part, None) is not None}}
    with torch.no_grad():
        found = {
            name: Complexity(parameters[module], flops.total(module), activations.total(module))
            for name, module in names.items()
        }
    return {**{name: found[name] for name in names if name != TOTAL}, TOTAL: found[TOTAL]}


def spectrogram_shape(cfg: Config) -> tuple[int, int, int]:
    """(channels, frames, mel bands) of the audio of a sample, as the test pipeline loads it."""
    (load_audio,) = (step for step in cfg.test_pipeline if step['type'] == 'LoadAudio')
    spec = LogMelSpec()
    return load_audio['channels'], spec.num_frames(seconds_to_samples(load_audio['duration'])), spec.n_mels


def _baddbmm_flops(inputs: list, outputs: list) -> int:
    batch, rows, inner = inputs[1].type().sizes()
    return batch * rows * inner * inputs[2].type().sizes()[-1]


def format_table(found: dict[str, Complexity]) -> str:
    """The results as a Markdown table, in millions and 10^9 operations."""
    lines = ['| part | parameters (M) | FLOPs (G) | activations (M) |', '|---|---:|---:|---:|']
    lines += [
        f'| {name} | {c.parameters / 1e6:.2f} | {c.flops / 1e9:.2f} | {c.activations / 1e6:.2f} |'
        for name, c in found.items()
    ]
    return '\n'.join(lines)


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--shape',
        type=int,
        nargs='+',
        metavar='PIXELS',
        help='height and width of the image, or one number for both (default: the training size of the config)',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        default={},
        metavar='KEY=VALUE',
        help='override config settings',
    )
    args = parser.parse_args(argv)
    if args.shape is not None and (len(args.shape) > 2 or min(args.shape) < 1):
        parser.error(f'--shape takes a height and a width, got {args.shape}')
    return args


def main(argv=None) -> None:
    args = parse_args(argv)
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    height, width = (2 * args.shape)[:2] if args.shape else cfg.model.data_preprocessor.size
    print(f'{args.config}, image {height} x {width}, {spectrogram_shape(cfg)[1]} frames of audio')
    print(format_table(count(cfg, (height, width))))


if __name__ == '__main__':
    main()
