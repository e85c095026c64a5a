"""Draws curves of trainings, with the arguments of mmseg's tool of that name.

    python tools/analysis_tools/analyze_logs.py work_dirs/cavp_r18_mini --keys loss mIoU --out curves.png

Pass the work directory of a training or a file vis_data/scalars.json. All parts of a resumed training in a work
directory are read; where they overlap, the later part is used. Each key is drawn on its own axes.
"""

import argparse
import json
import os.path as osp
import sys
from pathlib import Path

import matplotlib.style
import mmcv
from confusion_matrix import write_figure

from mmavs.utils.nearest import nearest_hint
from mmavs.visualization.audio_panels import render
from mmavs.visualization.charts import draw_curves

NOT_CURVES = ('step', 'epoch', 'iter')


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('json_logs', nargs='+', help='work directories or files scalars.json')
    parser.add_argument('--keys', nargs='+', default=['mIoU'], help='losses, learning rates and metrics (mIoU)')
    parser.add_argument('--title', help='title of the figure')
    parser.add_argument('--legend', nargs='+', help='a name for each training')
    parser.add_argument('--style', help='style sheet of matplotlib, such as ggplot')
    parser.add_argument('--out', help='file of the picture: png, pdf or svg; default: show it in a window')
    return parser.parse_args(argv)


def find_logs(path: str) -> list[Path]:
    """The files of a training, in the order in which they were written.

    Raises:
        FileNotFoundError: There are no such files.
    """
    if osp.isfile(path):
        return [Path(path)]
    found = sorted(Path(path).glob('*/vis_data/scalars.json'), key=lambda file: file.stat().st_mtime)
    if not found:
        raise FileNotFoundError(f'{path} has no */vis_data/scalars.json: pass the work directory of tools/train.py')
    return found


def read_curves(files: list[Path]) -> dict[str, dict[int, float]]:
    """Key -> step -> value. The step is that of the log: the iteration for losses, the epoch or iteration for metrics.

    Raises:
        ValueError: A line is not JSON; the message names it.
    """
    curves: dict[str, dict[int, float]] = {}
    for file in files:
        lines = [line for line in file.read_text(encoding='utf-8').splitlines() if line.strip()]
        for number, line in enumerate(lines, 1):
            try:
                entry = json.loads(line)
            except json.JSONDecodeError as error:
                if number == len(lines):
                    break  # the last line of a killed training
                raise ValueError(f'{file}, line {number}: not JSON: {error}') from error
            for key, value in entry.items():
                if key not in NOT_CURVES and isinstance(value, (int, float)) and 'step' in entry:
                    curves.setdefault(key, {})[entry['step']] = value
    return curves


def collect(logs: list[str], keys: list[str], legend: list[str] | None) -> dict[str, list[tuple]]:
    """Key -> (name, steps, values) of each training, the input of ``draw_curves``.

    Raises:
        ValueError: A training has no such key, or the legend has another length.
    """
    if legend and len(legend) != len(logs):
        raise ValueError(f'--legend has {len(legend)} names for {len(logs)} trainings: give one for each')
    names = legend or [osp.basename(osp.normpath(log)) if osp.isdir(log) else log for log in logs]
    runs = [read_curves(find_logs(log)) for log in logs]
    found = {}
    for key in keys:
        for log, run in zip(logs, runs, strict=True):
            if key not in run:
                raise ValueError(f'{log} has no {key!r}{nearest_hint(key, run) or "."} It has {", ".join(sorted(run))}')
        found[key] = [
            (name, *map(list, zip(*sorted(run[key].items()), strict=True)))
            for name, run in zip(names, runs, strict=True)
        ]
    return found


def main(argv=None) -> None:
    args = parse_args(argv)
    try:
        curves = collect(args.json_logs, args.keys, args.legend)
        with matplotlib.style.context(args.style or 'default'):
            figure = draw_curves(curves, title=args.title)
            if args.out:
                write_figure(args.out, figure)
            else:
                mmcv.imshow(mmcv.rgb2bgr(render(figure)), 'curves')
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    if args.out:
        print(f'written to {args.out}')


if __name__ == '__main__':
    main()
