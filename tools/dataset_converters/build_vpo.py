r"""Builds the VPO datasets from COCO annotations and VGGSound recordings (Sec. 3 of the CAVP paper).

    python tools/dataset_converters/build_vpo.py all \
        --instances coco/annotations/instances_train2017.json coco/annotations/instances_val2017.json \
        --images coco/train2017 coco/val2017 \
        --captions coco/annotations/captions_train2017.json coco/annotations/captions_val2017.json \
        --splits auto test --test-fraction 0 \
        --sounds-csv vggsound.csv --sounds vggsound/audios --out data/VPO

An interrupted build resumes if it is started again with the same options. Images,
annotations and recordings that cannot be used are counted by reason on the screen and in manifest.json. Recordings that
are silent in their middle 3 s, which samples take, are counted as well.
"""

import argparse
import logging
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

if find_spec('mmavs') is None:  # not installed: use the package in this repository
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmavs.data_tools.vpo_builder import build_vpo  # noqa: E402


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    _add_files(parser.add_argument)
    _add_rules(parser.add_argument)
    _add_handling(parser.add_argument)
    return parser.parse_args(argv)


def _add_files(add: Callable) -> None:
    """Inputs and output."""
    add('subset', choices=['ss', 'ms', 'msmi', 'all'], help="'msmi' includes 'ms'")
    add('--instances', nargs='+', required=True, metavar='JSON', help='COCO instances files')
    add('--images', nargs='+', required=True, metavar='DIR', help='folder of the images of each instances file')
    add(
        '--captions',
        nargs='+',
        default=(),
        metavar='JSON',
        help='COCO captions file of each instances file; without them, male, female and baby are left out',
    )
    add(
        '--splits',
        nargs='+',
        default=(),
        metavar='SPLIT',
        help='for each instances file the split of all its images (train, val, test), or auto to divide them',
    )
    add('--sounds-csv', required=True, metavar='CSV', help="VGGSound's list: id, start second, label, split")
    add(
        '--sounds',
        required=True,
        metavar='DIR',
        help='folder of the recordings, <id>_<start, six digits>.wav, or of the videos, .mp4',
    )
    add('--out', required=True, metavar='DIR', help='root of the dataset')
    add('--classes', metavar='YAML', help='class file; default: the 21 classes of VPO')


def _add_rules(add: Callable) -> None:
    """Options on which the samples depend."""
    add('--seed', type=int, default=0, help='seed of all random choices (default: %(default)s)')
    add('--test-fraction', type=float, default=0.1, help='fraction of the images for testing (default: %(default)s)')
    add(
        '--val-fraction',
        type=float,
        default=0.0,
        help='fraction of the remaining images, and of the training recordings, for validation (default: %(default)s)',
    )
    add(
        '--max-sources',
        type=int,
        default=5,
        help='maximum number of sounding objects per image (default: %(default)s)',
    )
    add(
        '--min-area',
        type=float,
        default=0.005,
        help='minimum fraction of the image that a sounding object covers (default: %(default)s)',
    )
    add(
        '--min-candidates',
        type=int,
        default=1,
        help='minimum number of possible sounding objects in an image of VPO-MS (default: %(default)s)',
    )
    add(
        '--max-per-class',
        type=int,
        metavar='N',
        help='maximum number of sounding objects of a class in each split '
        'of VPO-SS, of VPO-MS, and of the images that only VPO-MSMI has (default: no limit)',
    )
    add(
        '--skip-silent',
        action='store_true',
        help='leave out recordings that are silent in their middle 3 s, which samples take',
    )


def _add_handling(add: Callable) -> None:
    """Options that do not change the samples."""
    add('--workers', type=int, help='number of processes (default: one per CPU core); it does not change the result')
    add(
        '--copy-mode',
        choices=['copy', 'hardlink', 'symlink'],
        default='copy',
        help='copy images and recordings, or link them (default: %(default)s)',
    )
    add('--overwrite', action='store_true', help='replace these subsets in --out')


def main(argv=None) -> None:
    args = parse_args(argv)
    logging.basicConfig(level=logging.INFO, format='%(message)s', stream=sys.stdout)
    try:
        build_vpo(**vars(args))
    except KeyboardInterrupt:
        sys.exit('interrupted; run again with the same options to resume')
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(f'error: {error}')


if __name__ == '__main__':
    main()
