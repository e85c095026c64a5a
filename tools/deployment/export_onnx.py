r"""Writes the network of a checkpoint as ONNX, and compares it with PyTorch by ONNX Runtime.

    python tools/deployment/export_onnx.py work_dirs/demo/best_mIoU_epoch_7.pth --out demo.onnx --log-mel log_mel.onnx

Inputs are `image` (B, 3, H, W), normalized as in the config, and `log_mel` (B, channels, frames, 64), of any batch
and size; the output is `logits` (B, classes, H, W). `log_mel.onnx` computes the spectrogram of `waveform` (B, channels,
samples) at 16 kHz. Config, classes and colors are in the file, so that the inferencer accepts it like a
checkpoint: `AVSegInferencer(weights='demo.onnx')`. Needs the extra `onnx`.
"""

import argparse
import os
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path

if find_spec('mmavs') is None:  # not installed: use the package in this repository
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmavs.apis import AVSegInferencer  # noqa: E402
from mmavs.apis.onnx_export import TOLERANCE, ExportError, compare, export_log_mel, export_network  # noqa: E402


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoint', help='checkpoint of the network')
    parser.add_argument('--config', help='its config (default: the one in the checkpoint)')
    parser.add_argument('--out', required=True, metavar='FILE', help='file for the network')
    parser.add_argument('--log-mel', metavar='FILE', help='file for the spectrogram')
    parser.add_argument('--no-check', action='store_true', help='do not compare with PyTorch')
    return parser.parse_args(argv)


def run(args: argparse.Namespace) -> None:
    """Exports, compares and prints what was written."""
    inferencer = AVSegInferencer(args.config, args.checkpoint, device='cpu')
    model = inferencer.model
    export_network(model, args.out, cfg=inferencer.cfg, **model.dataset_meta)
    print(f'written: {args.out}')
    if args.log_mel:
        export_log_mel(args.log_mel)
        print(f'written: {args.log_mel}')
    if not args.no_check:
        difference = compare(model, args.out)
        print(f'largest difference from PyTorch on three sizes: {difference:.1e} of the largest logit')
        if difference > TOLERANCE:
            os.unlink(args.out)
            raise ExportError(
                f'the exported network differs from PyTorch by more than {TOLERANCE} of the largest logit, since torch '
                f'cannot export it for any size: {args.out} was removed'
            )


def main(argv=None) -> None:
    args = parse_args(argv)
    warnings.simplefilter('ignore')
    try:
        run(args)
    except (ExportError, ImportError, OSError, ValueError) as error:
        sys.exit(f'error: {error}')


if __name__ == '__main__':
    main()
