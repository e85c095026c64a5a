"""Makes small generated AVSBench trees, on which its configs and tools can be tried in minutes on a CPU.

Below one folder come the three released layouts, AVSBench-object (S4 and MS3) and AVSBench-semantic (v1s, v1m, v2),
with videos in which one can tell only by the sound which objects belong to the mask, and recordings in the layout of
VGGSound, for the substitution of sounds.
"""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
from mini.avsbench import SEMANTIC_FRAMES, plan_clips, write_ms3, write_s4, write_semantic, write_tables
from mini.source import make_mapper, whole_folder, write_recordings

REPOSITORY = Path(__file__).resolve().parents[2]
VERSION = 1  # of what is drawn and synthesised: one more whenever the same settings give other files
MARK = 'mini.json'


def make_mini_avsbench(out, *, seed=0, clips=(16, 4, 8), recordings=(6, 2), workers=None, overwrite=False):
    """Makes the trees; they take their name when all is there.

    Args:
        out (str | Path): Gets ``AVSBench-object``, ``AVSBench-semantic`` and ``VGGSound``.
        seed (int): Seed of all random choices.
        clips (tuple[int, int, int]): Videos of S4 and of MS3 for training, validation and testing; v1s, v1m and v2
            have half as many each.
        recordings (tuple[int, int]): Recordings of each class, for training and for testing.
        workers (int | None): Number of processes; None for one per CPU core. The result does not depend on it.
        overwrite (bool): Replace trees of other settings.

    Returns:
        bool: False if the trees were there already and nothing was done.

    Raises:
        ValueError: ``out`` holds something else, or a number is too small.
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
                f'{out} holds something else, made with {_settings_of(out)}, wanted are {settings}; choose another '
                '--out, or replace such trees with --overwrite'
            )
        shutil.rmtree(out)
    with whole_folder(out) as part:
        _write(part, seed, clips, recordings, workers or os.cpu_count())
        (part / MARK).write_text(json.dumps(settings), encoding='utf-8')
    return True


def _settings_of(out):
    """What a finished set says it was made with; None for anything else."""
    path = out / MARK
    return json.loads(path.read_text(encoding='utf-8')) if path.is_file() else None


def _write(root, seed, clips, recordings, workers):
    # Imported late since the processes that draw import this file too and would wait for torch.
    from mmavs.datasets.metainfo.avsbench_classes import default_classes
    from mmavs.datasets.metainfo.palette import bit_interleaved_palette

    objects, semantic, sounds = root / 'AVSBench-object', root / 'AVSBench-semantic', root / 'VGGSound'
    names, palette = default_classes(), np.array(bit_interleaved_palette(len(default_classes())), np.uint8)
    halves = tuple(max(1, count // 2) for count in clips)
    plans = {part: plan_clips(part, clips, seed) for part in ('s4', 'ms3')}
    plans |= {part: plan_clips(part, halves, seed) for part in SEMANTIC_FRAMES}
    with make_mapper(workers) as mapper:
        for part, write in (('s4', write_s4), ('ms3', write_ms3)):
            for _ in mapper(write, [(str(objects), p) for p in plans[part]], f'Making {part} clips'):
                pass
        for part in SEMANTIC_FRAMES:
            jobs = [(str(semantic), plan, names, palette) for plan in plans[part]]
            for _ in mapper(write_semantic, jobs, f'Making {part} clips'):
                pass
        write_recordings(sounds, recordings, seed, mapper)
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
    """Makes the trees that the command line asks for."""
    sys.path.insert(0, str(REPOSITORY))
    args = parse_args()
    try:
        made = make_mini_avsbench(**vars(args))
    except KeyboardInterrupt:
        sys.exit('interrupted; run again with the same options to go on')
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(f'error: {error}')
    print(f'{args.out}: {"done" if made else "complete already, nothing to do"}')


if __name__ == '__main__':
    main()
