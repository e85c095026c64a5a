"""Makes small generated AVSBench trees, to run the configs and tools of AVSBench in minutes on a CPU.

The output folder has the released layouts, AVSBench-object (S4 and MS3) and AVSBench-semantic (v1s, v1m, v2). Only the
audio determines the objects in the masks of the videos. There are also recordings in the layout of VGGSound, for
substitute_audio.py.
"""

import argparse
import json
import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np

if find_spec('mmavs') is None:  # not installed: use the package in this repository
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mini.avsbench import SEMANTIC_FRAMES, plan_clips, write_ms3, write_s4, write_semantic, write_tables  # noqa: E402
from mini.source import complete_folder, write_recordings  # noqa: E402

from mmavs.data_tools.parallel import WorkerPool  # noqa: E402
from mmavs.datasets.metainfo.avsbench_classes import default_classes  # noqa: E402
from mmavs.datasets.metainfo.palette import bit_interleaved_palette  # noqa: E402

VERSION = 1  # version: increased when the same settings give different files
MARK = 'mini.json'


def make_mini_avsbench(out, *, seed=0, clips=(16, 4, 8), recordings=(6, 2), workers=None, overwrite=False):
    """Makes the trees. The output folder appears when they are complete.

    Args:
        out (str | Path): Output folder, with ``AVSBench-object``, ``AVSBench-semantic`` and ``VGGSound``.
        seed (int): Seed of all random choices.
        clips (tuple[int, int, int]): Videos of S4 and of MS3 for training, validation and testing; v1s, v1m and v2
            have half as many each.
        recordings (tuple[int, int]): Recordings of each class, for training and for testing.
        workers (int | None): Number of processes; None for one per CPU core. The result does not depend on it.
        overwrite (bool): Replace trees with other settings.

    Returns:
        bool: False if the trees were already complete.

    Raises:
        ValueError: ``out`` has other files, or a number is too small.
    """
    if min(*clips, *recordings) < 1:
        raise ValueError(f'--clips and --recordings must be positive, got {clips} and {recordings}')
    out = Path(out)
    settings = {'version': VERSION, 'seed': seed, 'clips': list(clips), 'recordings': list(recordings)}
    if out.exists() and any(out.iterdir()):
        if _settings_of(out) == settings:
            return False
        if not overwrite or _settings_of(out) is None:
            raise ValueError(
                f'{out} has other files, made with {_settings_of(out)} instead of {settings}; choose another --out, or '
                'replace trees of this tool with --overwrite'
            )
        shutil.rmtree(out)
    with complete_folder(out) as part:
        _write(part, seed, clips, recordings, workers or os.cpu_count())
        (part / MARK).write_text(json.dumps(settings), encoding='utf-8')
    return True


def _settings_of(out):
    """Settings of a complete set; None for any other folder."""
    path = out / MARK
    return json.loads(path.read_text(encoding='utf-8')) if path.is_file() else None


def _write(root, seed, clips, recordings, workers):
    objects, semantic, vggsound = root / 'AVSBench-object', root / 'AVSBench-semantic', root / 'VGGSound'
    names, palette = default_classes(), np.array(bit_interleaved_palette(len(default_classes())), np.uint8)
    halves = tuple(max(1, count // 2) for count in clips)
    plans = {part: plan_clips(part, clips, seed) for part in ('s4', 'ms3')}
    plans |= {part: plan_clips(part, halves, seed) for part in SEMANTIC_FRAMES}
    with WorkerPool(workers) as pool:
        for part, write in (('s4', write_s4), ('ms3', write_ms3)):
            jobs = [(str(objects), plan) for plan in plans[part]]
            for _ in pool.map(write, jobs, total=len(jobs), desc=f'Making {part} clips'):
                pass
        for part in SEMANTIC_FRAMES:
            jobs = [(str(semantic), plan, names, palette) for plan in plans[part]]
            for _ in pool.map(write_semantic, jobs, total=len(jobs), desc=f'Making {part} clips'):
                pass
        write_recordings(vggsound, recordings, seed, pool)
    write_tables(objects, semantic, plans, names)


def parse_args():
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--out', default='data/mini-avsbench', help='folder for the trees (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0, help='seed of all random choices (default: %(default)s)')
    parser.add_argument(
        '--clips',
        type=int,
        nargs=3,
        default=(16, 4, 8),
        metavar=('TRAIN', 'VAL', 'TEST'),
        help='videos of S4 and of MS3 (default: 16 4 8); v1s, v1m and v2 have half as many each',
    )
    parser.add_argument(
        '--recordings',
        type=int,
        nargs=2,
        default=(6, 2),
        metavar=('TRAIN', 'TEST'),
        help='recordings of each class in VGGSound (default: 6 2)',
    )
    parser.add_argument('--workers', type=int, help='processes (default: one per CPU core)')
    parser.add_argument('--overwrite', action='store_true', help='replace trees made with other settings')
    return parser.parse_args()


def main():
    """Makes the trees with the options of the command line."""
    args = parse_args()
    try:
        made = make_mini_avsbench(**vars(args))
    except KeyboardInterrupt:
        sys.exit('interrupted; run again with the same options to resume')
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(f'error: {error}')
    print(f'{args.out}: {"done" if made else "already complete"}')


if __name__ == '__main__':
    main()
