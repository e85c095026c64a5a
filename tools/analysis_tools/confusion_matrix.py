"""Draws the confusion matrix of predictions, with the arguments of mmseg's tool of that name.

    python tools/test.py CONFIG CHECKPOINT --out work_dirs/predictions
    python tools/analysis_tools/confusion_matrix.py CONFIG work_dirs/predictions work_dirs/confusion

Writes confusion_matrix.png, with rows normalized to 100 %, and confusion_matrix.csv with numbers of pixels.
"""

import argparse
import io
import os.path as osp
import sys

import mmcv
import numpy as np
import torch
from dataset_samples import Sample, add_cfg_options, build_samples, load, read_config, read_prediction
from tqdm import tqdm

from mmavs.evaluation.functional.confusion import confusion_matrix
from mmavs.utils.files import make_output_folder, write_bytes, write_text
from mmavs.visualization.audio_panels import render
from mmavs.visualization.charts import draw_confusion


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('prediction_path', help='folder of the predictions, written by tools/test.py --out')
    parser.add_argument('save_dir', help='folder for the picture and the table')
    parser.add_argument('--split', choices=['val', 'test'], default='test', help='data loader (test)')
    parser.add_argument('--show', action='store_true', help='show the matrix in a window')
    parser.add_argument('--color-theme', default='cividis', help='color map of matplotlib (cividis)')
    parser.add_argument('--title', default='confusion matrix', help='title of the figure')
    add_cfg_options(parser)
    return parser.parse_args(argv)


def count_confusion(samples: list[Sample], folder: str) -> np.ndarray:
    """Pixels (classes, classes), row = label, column = prediction, of all samples.

    Raises:
        FileNotFoundError, ValueError: See ``read_prediction``; or a value is not a class index.
    """
    classes = samples[0][0].metainfo['classes']
    total = torch.zeros(len(classes), len(classes), dtype=torch.int64)
    for sample in tqdm(samples, osp.basename(osp.normpath(folder)), unit='image'):
        label = load(sample)[1]
        prediction = read_prediction(folder, sample, label.shape)
        total += confusion_matrix(torch.from_numpy(prediction.copy()), torch.from_numpy(label), len(classes))
    return total.numpy()


def write_csv(path: str, confusion: np.ndarray, classes) -> None:
    """Writes the matrix with the names of its classes."""
    lines = [','.join(['label \\ prediction', *classes])]
    lines += [','.join([name, *map(str, row)]) for name, row in zip(classes, confusion.tolist(), strict=True)]
    write_text(path, '\n'.join(lines) + '\n', 'save_dir')


def write_figure(path: str, figure, option: str = '--out') -> None:
    """Writes a figure; the format follows the suffix (png, pdf, svg, ...)."""
    content = io.BytesIO()
    figure.savefig(content, format=osp.splitext(path)[1][1:] or 'png')
    write_bytes(path, content.getvalue(), option)


def main(argv=None) -> None:
    args = parse_args(argv)
    try:
        make_output_folder(args.save_dir, 'save_dir')
        samples = build_samples(read_config(args), args.split)
        classes = samples[0][0].metainfo['classes']
        confusion = count_confusion(samples, args.prediction_path)
        write_csv(osp.join(args.save_dir, 'confusion_matrix.csv'), confusion, classes)
        figure = draw_confusion(confusion, classes, title=args.title, cmap=args.color_theme)
        write_figure(osp.join(args.save_dir, 'confusion_matrix.png'), figure, 'save_dir')
        if args.show:
            mmcv.imshow(mmcv.rgb2bgr(render(figure)), args.title)
    except KeyboardInterrupt:
        sys.exit('interrupted')
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    print(f'written to {args.save_dir}')


if __name__ == '__main__':
    main()
