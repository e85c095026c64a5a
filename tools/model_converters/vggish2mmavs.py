r"""Converts the published VGGish weights (vggish-10086976.pth) to those of the audio network of mmavs.

    python tools/model_converters/vggish2mmavs.py vggish-10086976.pth checkpoints/ --out-channels 304

The published embedding has 128 channels. For a network with another number, such as 304 in CAVP, the last layer is left
out and is initialized at random. The last line of the output has the options for a training with these weights.
"""

import argparse
import pickle
import sys
from importlib.util import find_spec
from pathlib import Path

if find_spec('mmavs') is None:  # not installed: use the package in this repository
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch  # noqa: E402
from conversion.reading import ConversionError, read_weights  # noqa: E402
from conversion.renaming import Renaming, check_complete  # noqa: E402
from conversion.writing import print_dropped, write_checkpoint  # noqa: E402

from mmavs.models import VGGish  # noqa: E402

RENAMING = Renaming(prefixes={}, unused={'pproc': 'the quantization of the embedding, not part of the network'})
LAST = 'embeddings.4'


def convert(source: str | Path, target: str | Path, out_channels: int | None = None, entry: str | None = None) -> Path:
    """Converts a checkpoint and prints which entries were converted or left out.

    Args:
        source: The published file.
        target: Output file or folder; the first digits of the SHA-256 are added to the name.
        out_channels: Number of channels of the embedding; None takes that of the file.
        entry: Entry of the file with the weights, if several entries have weights.

    Returns:
        Path: The file that was written.

    Raises:
        ConversionError: These are not weights of VGGish, or an entry is unexpected or missing.
    """
    weights = read_weights(source, entry)
    last = weights.state_dict.get(f'{LAST}.weight')
    if last is None or last.ndim != 2:
        parts = sorted({name.split('.')[0] for name in weights.state_dict})
        raise ConversionError(f'not weights of VGGish: {LAST}.weight is missing; found {", ".join(parts[:12])}')
    state_dict, dropped = RENAMING.apply(weights.state_dict)
    with torch.device('meta'):
        model = VGGish(len(last))
    check_complete(state_dict, model, RENAMING, 'VGGish')
    if out_channels not in (None, len(last)):
        reason = f'{len(last)} channels instead of {out_channels}; this layer is initialized at random'
        for name in [name for name in state_dict if name.startswith(f'{LAST}.')]:
            dropped[name] = reason
            del state_dict[name]
    path = write_checkpoint(dict(state_dict=state_dict), target, Path(source).stem)
    print(f'{len(state_dict)} entries converted')
    print_dropped({**weights.others, **dropped})
    print(f'written: {path}')
    print(
        f'train with: --cfg-options model.audio_backbone.out_channels={out_channels or len(last)} '
        f'model.audio_backbone.init_cfg.type=Pretrained model.audio_backbone.init_cfg.checkpoint={path}'
    )
    return path


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', metavar='SRC', help='the published weights')
    parser.add_argument(
        'target', metavar='DST', help='output file or folder; a part of the SHA-256 is added to the name'
    )
    parser.add_argument('--out-channels', type=int, help='number of channels of the embedding, 304 for CAVP')
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
