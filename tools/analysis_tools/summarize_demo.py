"""Prints in one line where the pictures of a test are and the IoU of each class, as at the end of `make demo`.

    python tools/test.py CONFIG CHECKPOINT --out work_dirs/demo/predictions --show-dir work_dirs/demo/pictures
    python tools/analysis_tools/summarize_demo.py CONFIG work_dirs/demo/predictions work_dirs/demo/pictures

The exit status is 1 if no object was found: no class but the background has an IoU of 10 % or more.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from confusion_matrix import count_confusion
from dataset_samples import add_cfg_options, build_samples, read_config

from mmavs.evaluation.functional.confusion import dataset_level_scores

FOUND = 10  # least IoU, in percent, of a class that counts as found


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('predictions', help='folder of the predictions, written by tools/test.py --out')
    parser.add_argument('pictures', help='folder of the pictures, written by tools/test.py --show-dir')
    add_cfg_options(parser)
    return parser.parse_args(argv)


def summarize(confusion: np.ndarray, classes, pictures: Path) -> tuple[str, bool]:
    """The line, and whether an object was found.

    Args:
        confusion: Pixels (classes, classes), row = label, column = prediction, background first.
        classes: Names of the classes.
        pictures: Folder of the pictures.
    """
    scores = dataset_level_scores(confusion)
    ious = {name: 100 * iou for name, iou in zip(classes, scores['IoU'], strict=True) if np.isfinite(iou)}
    values = ', '.join(f'{name} {iou:.0f}' for name, iou in ious.items())
    is_found = any(iou >= FOUND for name, iou in ious.items() if name != classes[0])
    start = f'Look at the pictures in {pictures}: image, ground truth, prediction.' if is_found else 'No object found.'
    return f'{start} mIoU {100 * scores["mIoU"]:.1f}. IoU of each class in %: {values}', is_found


def main(argv=None) -> None:
    args = parse_args(argv)
    try:
        samples = build_samples(read_config(args), 'test')
        confusion = count_confusion(samples, args.predictions)
        drawn = next(Path(args.pictures).rglob('*.png'), None)
        if drawn is None:
            raise ValueError(f'{args.pictures} has no picture; write them with tools/test.py --show-dir')
    except KeyboardInterrupt:
        sys.exit('interrupted')
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    line, is_found = summarize(confusion, samples[0][0].metainfo['classes'], drawn.parent)
    print(line)
    if not is_found:
        sys.exit(1)


if __name__ == '__main__':
    main()
