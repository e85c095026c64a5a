r"""Converts a released CAVP checkpoint and writes the config of its network.

    python tools/model_converters/cavp2mmavs.py cavp_vpo.pth checkpoints/

The tool identifies the network by the names and shapes of its weights. The released networks differ in output stride,
audio channels and classes. Weights load with a wrong output stride, too, but then give wrong predictions. Therefore the
checkpoint also contains its classes, palette and config. The last line of the output is the command for a test.
"""

import argparse
import pickle
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if find_spec('mmavs') is None:  # not installed: use the package in this repository
    sys.path.insert(0, str(ROOT))

import torch  # noqa: E402
from conversion.cavp import RENAMING, Network, identify  # noqa: E402
from conversion.reading import ConversionError, read_weights  # noqa: E402
from conversion.renaming import check_complete  # noqa: E402
from conversion.writing import print_dropped, write_checkpoint  # noqa: E402
from mmengine.config import Config  # noqa: E402
from mmengine.registry import DefaultScope  # noqa: E402
from mmseg.registry import DATASETS, MODELS  # noqa: E402

import mmavs  # noqa: E402
from mmavs.engine.runner.checkpoint_files import AtomicLocalBackend  # noqa: E402

CONFIGS = ROOT / 'configs' / 'cavp'


def convert(source: str | Path, target: str | Path, config: str | None = None, entry: str | None = None) -> Path:
    """Converts a checkpoint and prints the entries that were left out.

    Args:
        source: The released file.
        target: File or folder to write to; the first digits of the file's SHA-256 are added to the name. The config is
            written to the same name with the suffix ``.py``.
        config: Config of the network; None for the identified one. A config of this repository for a released network
            sets the data and the image size; depth and stem of the backbone are identified from the file.
        entry: Entry of the file with the weights, if several entries have weights.

    Returns:
        Path: The checkpoint that was written.

    Raises:
        ConversionError: The network is unknown, or an entry is unexpected or missing.
    """
    weights = read_weights(source, entry)
    network = identify(weights.state_dict)
    print(f'found {network}')
    cfg, name = _config_of(network, config)
    state_dict, dropped = RENAMING.apply(weights.state_dict)
    with DefaultScope.overwrite_default_scope('mmseg'):
        check_complete(state_dict, _build_on_meta(cfg), RENAMING, f'{cfg.filename}, although {network} was identified')
        meta = dict(dataset_meta=_dataset_meta(cfg), cfg=cfg.pretty_text, mmavs_version=mmavs.__version__)
    path = write_checkpoint(dict(meta=meta, state_dict=state_dict), target, name)
    AtomicLocalBackend().put(f'# Network of {path.name}\n{cfg.pretty_text}'.encode(), path.with_suffix('.py'))
    print(f'{len(state_dict)} entries converted, none missing')
    print_dropped({**weights.others, **dropped})
    _print_use(path, meta['dataset_meta']['classes'], [] if config else network.base_configs[1:])
    return path


def _config_of(network: Network, config: str | Path | None) -> tuple[Config, str]:
    """Complete config of a network, and the name of its files."""
    if config is None:
        cfg, name = Config.fromfile(CONFIGS / f'{network.base_configs[0]}.py'), network.name
    else:
        cfg, name = Config.fromfile(config), Path(config).stem
        if name not in _all_names(network):
            return cfg, name
    cfg.model.backbone.update(network.backbone)
    return cfg, name


def _all_names(network: Network) -> list[str]:
    """Names of the configs of this repository that differ from the network only in depth and stem."""
    try:
        return network.base_configs
    except ConversionError:
        return []


def _build_on_meta(cfg: Config) -> torch.nn.Module:
    """The model of a config on the meta device."""
    model = cfg.model.to_dict()
    model.pop('data_preprocessor')
    with torch.device('meta'):
        return MODELS.build(model)


def _dataset_meta(cfg: Config) -> dict:
    """Classes and palette of the test dataset of the config; needs no data."""
    info = DATASETS.build(dict(cfg.test_dataloader.dataset, lazy_init=True)).metainfo
    if len(info['classes']) != cfg.model.decode_head.num_classes:
        raise ConversionError(
            f'{cfg.filename} has {cfg.model.decode_head.num_classes} classes in the head and '
            f'{len(info["classes"])} in test_dataloader.dataset: set both to the same number'
        )
    return dict(classes=tuple(info['classes']), palette=[list(map(int, color)) for color in info['palette']])


def _print_use(path: Path, classes: tuple[str, ...], others: list[str]) -> None:
    shown = ', '.join(classes[:4]) + (', ...' if len(classes) > 4 else '')
    print(f'{len(classes)} classes: {shown}')
    print(f'written: {path} and its config {path.with_suffix(".py").name}')
    if others:
        print(
            'The same network is used with other test sets and image sizes, which cannot be '
            'identified from the weights.'
        )
        print('If they were trained for one of these, convert again with --config and its path:')
        print(''.join(f'  configs/cavp/{name}.py\n' for name in others), end='')
    print(f'test it with: python tools/test.py {path.with_suffix(".py")} {path}')


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', metavar='SRC', help='the released checkpoint')
    parser.add_argument(
        'target', metavar='DST', help='output file or folder; the first digits of the SHA-256 are added to the name'
    )
    parser.add_argument('--config', help='config of the data that the weights were trained on, if not the default')
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
