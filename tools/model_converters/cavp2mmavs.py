r"""Converts a released CAVP checkpoint: finds out which network it is, and chooses the config that describes it.

    python tools/model_converters/cavp2mmavs.py cavp_vpo.pth checkpoints/

Output stride, sound and classes of the released networks differ; with a wrong one the weights still load, and the
predictions are worthless. So the written file carries its classes, their colours and its config, and the last line
printed is the command that tests it.
"""

import argparse
import pickle
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if find_spec('mmavs') is None:  # not installed: take the package beside this tool
    sys.path.insert(0, str(ROOT))

import torch  # noqa: E402
from conversion.cavp import RENAMING, recognise  # noqa: E402
from conversion.reading import ConversionError, read_weights  # noqa: E402
from conversion.renaming import check_complete  # noqa: E402
from conversion.writing import print_dropped, write_checkpoint  # noqa: E402
from mmengine.config import Config  # noqa: E402
from mmengine.registry import DefaultScope  # noqa: E402
from mmseg.registry import DATASETS, MODELS  # noqa: E402

import mmavs  # noqa: E402

CONFIGS = ROOT / 'configs' / 'cavp'


def convert(source: str | Path, target: str | Path, config: str | None = None, entry: str | None = None) -> Path:
    """Converts a checkpoint and prints what became of its entries.

    Args:
        source: The released file.
        target: File or folder to write to; a part of the file's SHA-256 is added to the name.
        config: The config to use; None for the one that fits.
        entry: Entry of the file that has the weights, where several have.

    Returns:
        Path: The file that was written.

    Raises:
        ConversionError: The network is unknown, or an entry is left over or missing.
    """
    weights = read_weights(source, entry)
    network = recognise(weights.state_dict)
    print(f'found {network}')
    choices = [CONFIGS / f'{name}.py' for name in network.configs()] if config is None else [Path(config)]
    cfg = Config.fromfile(choices[0])
    state_dict, dropped = RENAMING.apply(weights.state_dict)
    with DefaultScope.overwrite_default_scope('mmseg'):
        check_complete(state_dict, _build_on_meta(cfg), RENAMING, f'{choices[0].name}, though {network} was found')
        meta = dict(dataset_meta=_dataset_meta(cfg), cfg=cfg.pretty_text, mmavs_version=mmavs.__version__)
    path = write_checkpoint(dict(meta=meta, state_dict=state_dict), target, choices[0].stem)
    print(f'{len(state_dict)} entries converted, none missing')
    print_dropped({**weights.others, **dropped})
    _print_use(path, choices, meta['dataset_meta']['classes'])
    return path


def _build_on_meta(cfg: Config) -> torch.nn.Module:
    """The model of a config with shapes and no values."""
    model = cfg.model.to_dict()
    model.pop('data_preprocessor')
    with torch.device('meta'):
        return MODELS.build(model)


def _dataset_meta(cfg: Config) -> dict:
    """Classes and colours, from the dataset that the config tests on; no data is needed."""
    info = DATASETS.build(dict(cfg.test_dataloader.dataset, lazy_init=True)).metainfo
    if len(info['classes']) != cfg.model.decode_head.num_classes:
        raise ConversionError(
            f'{cfg.filename} has {cfg.model.decode_head.num_classes} classes in the head and '
            f'{len(info["classes"])} in test_dataloader.dataset: make them agree'
        )
    return dict(classes=tuple(info['classes']), palette=[list(map(int, color)) for color in info['palette']])


def _print_use(path: Path, choices: list[Path], classes: tuple[str, ...]) -> None:
    shown = ', '.join(classes[:4]) + (', ...' if len(classes) > 4 else '')
    print(f'{len(classes)} classes: {shown}')
    print(f'written: {path}')
    first, *others = (str(_shorten(choice)) for choice in choices)
    if others:
        print(
            f'The same network serves other test sets and image sizes, which weights do not tell: {", ".join(others)}'
        )
        print('Take the config of the data and the size that the weights were trained for.')
    print(f'test it with: python tools/test.py {first} {path}')


def _shorten(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', metavar='SRC', help='the released checkpoint')
    parser.add_argument('target', metavar='DST', help='file or folder to write to; the name gets a part of the SHA-256')
    parser.add_argument('--config', help='config to use in place of the one that is chosen by names and shapes')
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
