r"""Copies a folder of recordings at the sample rate of the model (16 kHz, mono), so that training does not resample.

    python tools/dataset_converters/resample_audio.py data/VPO/VGGSound/audios --out data/VPO/VGGSound/audios_16k

The folder may also hold videos as they were downloaded from VGGSound (<id>_<start>.mp4), which need PyAV.

Set `audio_dir='VGGSound/audios_16k'` in the dataset of each data loader to train on the copies. The waveforms are the
same as those of the originals. An interrupted run resumes if it is started again. Recordings that cannot be read are
listed and left out; the exit status is 1 then.
"""

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path

if find_spec('mmavs') is None:  # not installed: use the package in this repository
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmavs.audio import SAMPLE_RATE  # noqa: E402
from mmavs.data_tools.resampling import SUBTYPES, resample_folder  # noqa: E402


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', help='folder of recordings or videos, searched recursively')
    parser.add_argument('--out', required=True, metavar='DIR', help='folder for the copies')
    parser.add_argument(
        '--rate',
        type=int,
        default=SAMPLE_RATE,
        dest='sample_rate',
        help='sample rate in Hz (default: %(default)s)',
    )
    parser.add_argument(
        '--subtype',
        choices=SUBTYPES,
        default=SUBTYPES[0],
        help='FLOAT gives the same waveforms in training, PCM_16 rounds them and takes half the space '
        '(default: %(default)s)',
    )
    parser.add_argument(
        '--keep-channels',
        action='store_true',
        help='keep the channels of stereo recordings, for LoadAudio(keep_channels=True); default: average them',
    )
    parser.add_argument('--workers', type=int, help='number of processes (default: one per CPU core)')
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    try:
        copied = resample_folder(**vars(args))
    except KeyboardInterrupt:
        sys.exit('interrupted; run again with the same options to resume')
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(f'error: {error}')
    for path, reason in copied.failed:
        print(f'left out: {path}: {reason}')
    print(f'{args.out}: {copied.written} written, {copied.kept} existed already, {len(copied.failed)} left out')
    sys.exit(bool(copied.failed))


if __name__ == '__main__':
    main()
