r"""Converts ImageNet weights of a ResNet from torchvision or timm to the names of mmseg's ResNet, ResNetV1c or V1d.

    python tools/model_converters/resnet2mmseg.py resnet50.pth checkpoints/

timm's resnet50s has the stem of the released CAVP networks, with 64, 64 and 128 channels. The last line of the
output has the options for a training with these weights.
"""

import argparse
import pickle
import sys
from importlib.util import find_spec
from pathlib import Path

if find_spec('mmavs') is None:  # not installed: use the package in this repository
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import mmavs  # noqa: E402, F401, I001  (must be imported before mmseg: see docs/import_effects.md)
from conversion.reading import read_weights  # noqa: E402
from conversion.renaming import check_complete  # noqa: E402
from conversion.resnet import add_missing_counters, identify  # noqa: E402
from conversion.writing import print_dropped, write_checkpoint  # noqa: E402


def convert(source: str | Path, target: str | Path, entry: str | None = None) -> Path:
    """Converts a checkpoint and prints which entries were converted or left out.

    Args:
        source: Written by `torch.save` or, with the suffix ``.safetensors``, by safetensors.
        target: Output file or folder; the first digits of the SHA-256 are added to the name.
        entry: Entry of the file with the weights, if several entries have weights.

    Returns:
        Path: The file that was written.

    Raises:
        ConversionError: mmseg has no such network, or an entry is unexpected or missing.
    """
    weights = read_weights(source, entry)
    backbone = identify(weights.state_dict)
    print(f'found {backbone.type}-{backbone.depth} with a stem of {backbone.stem_channels} channels')
    state_dict, dropped = backbone.renaming.apply(weights.state_dict)
    added = add_missing_counters(state_dict)
    check_complete(state_dict, backbone.build(), backbone.renaming, f'{backbone.type}-{backbone.depth} of mmseg')
    path = write_checkpoint(dict(state_dict=state_dict), target, Path(source).stem)
    print(f'{len(state_dict) - added} entries converted, none missing')
    if added:
        print(f'  added: {added} num_batches_tracked, which are missing in old files and which mmseg does not use')
    print_dropped({**weights.others, **dropped})
    print(f'written: {path}')
    print(
        f'train with: --cfg-options model.backbone.type={backbone.type} model.backbone.depth={backbone.depth} '
        f'model.backbone.stem_channels={backbone.stem_channels} model.backbone.base_channels={backbone.base_channels} '
        f'model.backbone.init_cfg.type=Pretrained model.backbone.init_cfg.checkpoint={path}'
    )
    return path


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', metavar='SRC', help='the weights, .pth or .safetensors')
    parser.add_argument(
        'target', metavar='DST', help='output file or folder; a part of the SHA-256 is added to the name'
    )
    parser.add_argument('--entry', help='entry of SRC with the weights, if there are several')
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    try:
        convert(**vars(args))
    except (OSError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        sys.exit(f'error: {error}')


if __name__ == '__main__':
    main()
