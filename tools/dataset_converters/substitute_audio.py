r"""Makes AVS-M-SS (Sec. 5.2 of the paper): S4 of AVSBench-Object in which the audio of every clip is a VGGSound
recording of another video of the same category.

    python tools/dataset_converters/substitute_audio.py data/AVSBench-object --out data/AVS-M-SS \
        --sounds-csv vggsound/vggsound.csv --sounds vggsound/audios

The new tree is used like S4: `data_root=data/AVS-M-SS`. Its frames and masks are links to the original files. The same
seed gives the same audio. An interrupted run resumes if it is started again. Recordings that cannot be used are listed.
"""

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path

if find_spec('mmavs') is None:  # not installed: use the package in this repository
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmavs.data_tools.substitution.substitute import SubstitutionOptions, substitute_audio  # noqa: E402
from mmavs.utils.files import COPY_MODES  # noqa: E402


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('root', help='folder of AVSBench-Object')
    parser.add_argument('--out', required=True, metavar='DIR', help='root of the new tree')
    parser.add_argument('--sounds-csv', required=True, metavar='FILE', help="VGGSound's id, start, label, split")
    parser.add_argument(
        '--sounds', required=True, metavar='DIR', help='recordings or videos <id>_<start, six digits>.wav, .mp4'
    )
    parser.add_argument(
        '--labels',
        metavar='FILE',
        help='YAML file with the VGGSound labels of categories; by default, the name of a category is the first part '
        'of its label: male_speech has "male speech, man speaking"',
    )
    parser.add_argument('--seed', type=int, default=0, help='seed of the selected recordings (default: %(default)s)')
    parser.add_argument(
        '--val-fraction',
        type=float,
        default=0.1,
        help="fraction of VGGSound's training recordings for validation (default: %(default)s)",
    )
    parser.add_argument(
        '--copy-mode',
        choices=COPY_MODES,
        default='symlink',
        help='for frames and masks (default: %(default)s)',
    )
    parser.add_argument('--workers', type=int, help='number of processes (default: one per CPU core)')
    parser.add_argument('--overwrite', action='store_true', help='replace the audio of a tree with other settings')
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    try:
        done = substitute_audio(SubstitutionOptions(**vars(args)))
    except KeyboardInterrupt:
        sys.exit('interrupted; run again with the same options to resume')
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        sys.exit(f'error: {error}')
    missing = sum(reason == 'missing' for _, reason in done.unusable)
    for name, reason in done.unusable:
        if reason != 'missing':
            print(f'left out: {name}: {reason}')
    print(f'{args.out}: {done.clips} clips, {done.written} audio files written, {missing} listed recordings missing')


if __name__ == '__main__':
    main()
