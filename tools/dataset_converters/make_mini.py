"""Makes the mini set: a small generated dataset in VPO's layout, on which a method trains in minutes on a CPU.

The tool draws images with COCO annotations and synthesizes recordings for 8 of VPO's classes. It builds VPO-SS, VPO-MS
and VPO-MSMI from them in the same way as from COCO and VGGSound.
"""

import argparse
import json
import logging
import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

if find_spec('mmavs') is None:  # not installed: use the package in this repository
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mini.objects import write_objects  # noqa: E402
from mini.source import source_settings, write_source  # noqa: E402

from mmavs.data_tools.vpo_builder import build_vpo  # noqa: E402
from mmavs.datasets.metainfo.vpo_classes import load_class_table  # noqa: E402
from mmavs.utils.files import write_text  # noqa: E402

TEST_FRACTION = 0.225
VAL_FRACTION = 0.15  # fraction of the images and recordings that are not for testing
MAX_SOURCES = 2  # in an image of three to five objects, so that most visible objects are silent
MARK = 'mini.json'  # file that marks a complete set


def make_mini(out, *, seed=0, images=1060, recordings=(60, 20), workers=None, overwrite=False):
    """Makes the mini set, or resumes an interrupted run.

    Args:
        out (str | Path): Root of the set, with ``source``, ``VPO-SS``, ``VPO-MS``, ``VPO-MSMI``, ``VGGSound``, and
            ``objects`` with labels of all objects, sounding or not.
        seed (int): Seed of all random choices.
        images (int): Number of images, over all splits.
        recordings (tuple[int, int]): Recordings of each class for training and validation, and for testing.
        workers (int | None): Number of processes; None for one per CPU core.
        overwrite (bool): Replace a mini set with other settings.

    Returns:
        bool: False if the set was already complete.

    Raises:
        ValueError: ``out`` has a mini set with other settings, or a number is too small.
    """
    if images < 1 or min(recordings) < 1:
        raise ValueError(f'--images and --recordings must be positive, got {images} and {recordings}')
    out, source = Path(out), Path(out) / 'source'
    settings = source_settings(images=images, recordings=recordings, seed=seed)
    if overwrite:
        (out / MARK).unlink(missing_ok=True)
        for folder in (source, out / 'objects'):
            shutil.rmtree(folder, ignore_errors=True)
    elif _check_settings(source, settings) and (out / MARK).exists():
        return _write_missing_objects(out)
    if not source.exists():
        write_source(
            source,
            images=images,
            recordings=recordings,
            seed=seed,
            workers=workers or os.cpu_count(),
            table=load_class_table(),
        )
    _build(source, out, seed, overwrite)
    _write_missing_objects(out)
    write_text(str(out / MARK), json.dumps(settings))
    return True


def _write_missing_objects(out):
    """Writes the labels of all objects, which a set of an earlier version does not have; returns whether it did."""
    if (out / 'objects').exists():
        return False
    write_objects(out, copy_mode=_copy_mode(out / 'source'))
    return True


def _build(source, out, seed, overwrite):
    """Builds all subsets from the source."""
    build_vpo(
        'all',
        instances=[str(source / 'instances.json')],
        images=[str(source / 'images')],
        captions=[str(source / 'captions.json')],
        sounds_csv=str(source / 'vggsound.csv'),
        sounds=str(source / 'audios'),
        classes=str(source / 'classes.yaml'),
        out=str(out),
        seed=seed,
        max_sources=MAX_SOURCES,
        test_fraction=TEST_FRACTION,
        val_fraction=VAL_FRACTION,
        copy_mode=_copy_mode(source),
        overwrite=overwrite,
        workers=1,  # starting more processes takes longer than building such a small set
    )


def _check_settings(source, settings):
    """Returns True if the source exists; raises an error if it has other settings."""
    path = source / 'settings.json'
    if not path.exists():
        return False
    found = json.loads(path.read_text(encoding='utf-8'))
    if found != settings:
        raise ValueError(
            f'{path}: made with {found} instead of {settings}; choose another --out, or replace the set '
            'with --overwrite'
        )
    return True


def _copy_mode(source):
    """Hard links, which save half of the space, if the file system supports them; otherwise copies."""
    probe = source / 'settings.json.link'
    try:
        probe.unlink(missing_ok=True)
        os.link(source / 'settings.json', probe)
        probe.unlink()
    except OSError:
        return 'copy'
    return 'hardlink'


def parse_args():
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--out', default='data/mini', help='root of the set (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0, help='seed of all random choices (default: %(default)s)')
    parser.add_argument('--images', type=int, default=1060, help='images over all splits (default: %(default)s)')
    parser.add_argument(
        '--recordings',
        type=int,
        nargs=2,
        default=(60, 20),
        metavar=('TRAIN', 'TEST'),
        help='recordings of each class (default: 60 20); some for training are used for validation',
    )
    parser.add_argument('--workers', type=int, help='processes (default: one per CPU core)')
    parser.add_argument('--overwrite', action='store_true', help='replace a mini set made with other settings')
    return parser.parse_args()


def main():
    """Makes the set with the options of the command line."""
    logging.basicConfig(level=logging.INFO, format='%(message)s', stream=sys.stdout)
    args = parse_args()
    try:
        made = make_mini(**vars(args))
    except KeyboardInterrupt:
        sys.exit('interrupted; run again with the same options to resume')
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(f'error: {error}')
    print(f'{args.out}: {"done" if made else "already complete"}')


if __name__ == '__main__':
    main()
