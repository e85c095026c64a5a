r"""Draws frames, ground truth and the predictions of several models in one strip, as in Fig. 5 of the paper.

    python tools/test.py CONFIG CHECKPOINT --out work_dirs/cavp/predictions
    python tools/analysis_tools/compare_predictions.py CONFIG --clip v2/abc \
        --pred CAVP=work_dirs/cavp/predictions TPAVI=work_dirs/tpavi/predictions --out strip.png

The columns are the frames of --clip, or the samples of --indices or --number.
"""

import argparse
import sys

import mmcv
import numpy as np
from dataset_samples import (
    Sample,
    add_cfg_options,
    add_choice,
    build_samples,
    choose,
    load,
    parse_named_folders,
    read_config,
    read_prediction,
)

from mmavs.utils.nearest import nearest_hint
from mmavs.visualization.strip_picture import draw_strip


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('--pred', nargs='+', default=[], metavar='NAME=FOLDER', help='predictions of each model')
    parser.add_argument('--out', required=True, help='file of the picture')
    parser.add_argument('--split', choices=['val', 'test'], default='test', help='data loader (test)')
    parser.add_argument('--clip', help='name of a clip of AVSBench')
    add_choice(parser, 5)
    parser.add_argument('--width', type=int, default=220, help='minimum width of a column in pixels (220)')
    parser.add_argument('--no-names', action='store_true', help='do not write class names next to the objects')
    add_cfg_options(parser)
    return parser.parse_args(argv)


def find_frames(samples: list[Sample], clip: str) -> list[Sample]:
    """The frames of a clip."""
    names = [dataset.get_data_info(index).get('clip') for dataset, index in samples]
    if clip not in names:
        known = sorted({name for name in names if name})
        if not known:
            raise ValueError('--clip needs a dataset of videos; select samples with --indices')
        raise ValueError(f'--clip {clip} is not in the dataset{nearest_hint(clip, known) or f", which has {known[0]}"}')
    return [sample for sample, name in zip(samples, names, strict=True) if name == clip]


def make_strip(args: argparse.Namespace) -> np.ndarray:
    """The picture, RGB."""
    samples = build_samples(read_config(args), args.split)
    if args.clip:
        chosen = find_frames(samples, args.clip)
        titles = [f'frame {dataset.get_data_info(index)["frame"] + 1}' for dataset, index in chosen]
    else:
        indices = choose(len(samples), args)
        chosen = [samples[i] for i in indices]
        titles = [f'sample {i}' for i in indices]
    images, labels = zip(*map(load, chosen), strict=True)
    rows = {'ground truth': labels}
    for name, folder in parse_named_folders(args.pred).items():
        rows[name] = [read_prediction(folder, s, label.shape) for s, label in zip(chosen, labels, strict=True)]
    meta = chosen[0][0].metainfo
    return draw_strip(
        images, rows, meta['classes'], meta['palette'], titles=titles, width=args.width, with_names=not args.no_names
    )


def main(argv=None) -> None:
    args = parse_args(argv)
    try:
        picture = make_strip(args)
        if not mmcv.imwrite(mmcv.rgb2bgr(picture), args.out):
            raise OSError(f'cannot write {args.out}: choose another --out')
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    print(f'written to {args.out}')


if __name__ == '__main__':
    main()
