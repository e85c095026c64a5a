"""Draws a bar for each class and test run: IoU, F, FDR or accuracy.

    python tools/test.py CONFIG CHECKPOINT --out work_dirs/cavp/predictions
    python tools/analysis_tools/plot_classes.py CONFIG --pred CAVP=work_dirs/cavp/predictions --out classes.png

With several runs, the bars of a class are next to each other. --metric selects the metric.
"""

import argparse
import sys

from confusion_matrix import count_confusion, write_figure
from dataset_samples import add_cfg_options, build_samples, parse_named_folders, read_config

from mmavs.evaluation.functional.confusion import dataset_level_scores
from mmavs.visualization.charts import draw_class_bars

METRICS = ('IoU', 'F', 'FDR', 'Acc')


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('--pred', nargs='+', required=True, metavar='NAME=FOLDER', help='predictions of each run')
    parser.add_argument('--out', required=True, help='file of the picture: png, pdf or svg')
    parser.add_argument('--metric', choices=METRICS, default='IoU', help='metric (IoU)')
    parser.add_argument('--split', choices=['val', 'test'], default='test', help='data loader (test)')
    parser.add_argument('--title', help='title of the figure')
    add_cfg_options(parser)
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    try:
        folders = parse_named_folders(args.pred)
        samples = build_samples(read_config(args), args.split)
        scores = {
            name: 100 * dataset_level_scores(count_confusion(samples, folder))[args.metric]
            for name, folder in folders.items()
        }
        classes = samples[0][0].metainfo['classes']
        write_figure(args.out, draw_class_bars(scores, classes, metric=args.metric, title=args.title))
    except KeyboardInterrupt:
        sys.exit('interrupted')
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    print(f'written to {args.out}')


if __name__ == '__main__':
    main()
