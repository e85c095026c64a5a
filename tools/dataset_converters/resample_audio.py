r"""Makes copies of a folder of recordings at the rate of the model (16 kHz, mono), so that training need not resample.

    python tools/dataset_converters/resample_audio.py data/VPO/VGGSound/audios --out data/VPO/VGGSound/audios_16k

Training on the copies, with `audio_dir='VGGSound/audios_16k'` in the dataset of each data loader, hears the same as on
the originals. A run that was interrupted goes on where it stopped when it is started again. Recordings that cannot be
read are listed and left out; the status is 1 then.
"""

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path

if find_spec('mmavs') is None:  # not installed: take the package beside this tool
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmavs.audio import SAMPLE_RATE  # noqa: E402
from mmavs.data_tools.resampling import SUBTYPES, resample_folder  # noqa: E402


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', help='folder of recordings, searched to the bottom')
    parser.add_argument('--out', required=True, metavar='DIR', help='folder for the copies')
    parser.add_argument('--rate', type=int, default=SAMPLE_RATE, dest='sample_rate', help='Hz (default: %(default)s)')
    parser.add_argument(
        '--subtype',
        choices=SUBTYPES,
        default=SUBTYPES[0],
        help='FLOAT keeps what training hears, PCM_16 rounds it and takes half the space (default: %(default)s)',
    )
    parser.add_argument('--workers', type=int, help='number of processes (default: one per CPU core)')
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    try:
        copied = resample_folder(**vars(args))
    except KeyboardInterrupt:
        sys.exit('interrupted; run again with the same options to go on')
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(f'error: {error}')
    for path, reason in copied.failed:
        print(f'left out: {path}: {reason}')
    print(f'{args.out}: {copied.written} written, {copied.kept} there already, {len(copied.failed)} left out')
    sys.exit(bool(copied.failed))


if __name__ == '__main__':
    main()
