r"""Converts the published VGGish weights (vggish-10086976.pth) to those of mmavs's audio network.

    python tools/model_converters/vggish2mmavs.py vggish-10086976.pth checkpoints/ --out-channels 304

The published embedding has 128 channels. For a network with another number, as CAVP's 304, the last layer is left out
and starts at random. The last line printed says which options put the weights into a training.
"""

import argparse
import pickle
import sys
from importlib.util import find_spec
from pathlib import Path

if find_spec('mmavs') is None:  # not installed: take the package beside this tool
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch  # noqa: E402
from conversion.reading import ConversionError, read_weights  # noqa: E402
from conversion.renaming import Renaming, check_complete  # noqa: E402
from conversion.writing import print_dropped, write_checkpoint  # noqa: E402

from mmavs.models import VGGish  # noqa: E402

RENAMING = Renaming(prefixes={}, unused={'pproc': 'the quantisation of the embedding, not part of the network'})
LAST = 'embeddings.4'


def convert(source: str | Path, target: str | Path, out_channels: int | None = None, entry: str | None = None) -> Path:
    """Converts a checkpoint and prints what became of its entries.

    Args:
        source: The published file.
        target: File or folder to write to; a part of the file's SHA-256 is added to the name.
        out_channels: Size of the embedding that is wanted; None for that of the file.
        entry: Entry of the file that has the weights, where several have.

    Returns:
        Path: The file that was written.

    Raises:
        ConversionError: They are no weights of VGGish, or an entry is left over or missing.
    """
    weights = read_weights(source, entry)
    last = weights.state_dict.get(f'{LAST}.weight')
    if last is None or last.ndim != 2:
        parts = sorted({name.split('.')[0] for name in weights.state_dict})
        raise ConversionError(f'no weights of VGGish: {LAST}.weight is missing; found {", ".join(parts[:12])}')
    state_dict, dropped = RENAMING.apply(weights.state_dict)
    with torch.device('meta'):
        model = VGGish(len(last))
    check_complete(state_dict, model, RENAMING, 'VGGish')
    if out_channels not in (None, len(last)):
        reason = f'it has {len(last)} channels, {out_channels} are wanted: this layer starts at random'
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
    parser.add_argument('target', metavar='DST', help='file or folder to write to; the name gets a part of the SHA-256')
    parser.add_argument('--out-channels', type=int, help='size of the embedding that is wanted, 304 for CAVP')
    parser.add_argument('--entry', help='entry of SRC that has the weights, where several have')
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    try:
        convert(**vars(args))
    except (OSError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        sys.exit(f'error: {error}')


if __name__ == '__main__':
    main()
