"""Segments the sounding objects of a picture with its sound, of a video, or of a folder of either.

    python tools/demo.py PICTURE SOUND --position 0.3
    python tools/demo.py VIDEO
    python tools/demo.py FOLDER

In a folder of pictures, the sound of each picture has the picture's name. Overlays, masks and a table of the sounding
classes are written to --out. Without --weights, the network is the newest work_dirs/demo/best_*.pth, which `make demo`
trains on drawings; where the authors' network for AVSBench-Semantic has been converted, it is that one.
"""

import argparse
import os
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path

if find_spec('mmavs') is None:  # not installed: use the package in this repository
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmavs.apis import AVSegInferencer  # noqa: E402
from mmavs.apis.default_weights import ADVICE, find_default_weights  # noqa: E402
from mmavs.engine.runner.allocator import keep_freed_memory  # noqa: E402

_SHOWN = 10  # pictures whose result is printed


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('input', help='picture, video, or folder of pictures or videos')
    parser.add_argument('sound', nargs='?', help='sound of the picture, or folder of sounds; videos have their own')
    parser.add_argument('--weights', help='checkpoint (default: see above)')
    parser.add_argument('--config', help='config of the network (default: the one in the checkpoint)')
    parser.add_argument(
        '--out', default='work_dirs/demo_results', metavar='DIR', help='folder for results (default: %(default)s)'
    )
    parser.add_argument('--device', help='cpu, cuda, cuda:1, ... (default: a GPU if there is one)')
    parser.add_argument('--batch-size', type=int, default=1, help='pictures at once (default: %(default)s)')
    parser.add_argument(
        '--max-size',
        type=int,
        default=1024,
        metavar='N',
        help='reduce larger pictures for the network until their longer side has N pixels (default: %(default)s)',
    )
    audio = parser.add_argument_group('sound')
    place = audio.add_mutually_exclusive_group()
    place.add_argument(
        '--position',
        type=float,
        help='horizontal position of the source, 0 left to 1 right, for networks of stereo audio (default: 0.5 for '
        'pictures; videos keep their channels)',
    )
    place.add_argument(
        '--keep-channels', action='store_true', help='keep the channels of a stereo recording made at the scene'
    )
    audio.add_argument(
        '--audio-shift', type=float, default=0.0, metavar='S', help='take the sound of a frame S seconds later'
    )
    masks = parser.add_argument_group('masks')
    masks.add_argument('--classes', nargs='+', metavar='NAME', help='show these classes only')
    masks.add_argument('--threshold', type=float, metavar='P', help='least probability of an object, 0 to 1')
    masks.add_argument('--fps', type=float, help='frames per second of a video to segment (default: all)')
    masks.add_argument(
        '--smooth', type=int, default=1, metavar='N', help='average the probabilities over N frames, odd (default: 1)'
    )
    masks.add_argument('--save-probs', action='store_true', help='write probabilities as probs/<name>.npz')
    masks.add_argument('--save-rle', action='store_true', help="write all masks as COCO's RLE to masks.json")
    return parser.parse_args(argv)


def describe(sounding: list) -> str:
    """The classes of a picture in one line."""
    parts = [f'{c.name} ({100 * c.share:.1f} % of the pixels, probability {c.probability:.2f})' for c in sounding]
    return ', '.join(parts) or 'nothing sounds'


def run(args: argparse.Namespace) -> None:
    """Segments what the command line names and prints a summary."""
    weights = args.weights or find_default_weights()
    inferencer = AVSegInferencer(args.config, weights, device=args.device, max_size=args.max_size)
    print(f'{weights}: {inferencer.training}')
    if 'mini' in inferencer.training:
        print(f'It is trained on drawings only. {ADVICE}')
    if args.position is not None and inferencer.pipeline.load_audio.channels == 1:
        print('The network takes mono audio: --position has no effect.')
    options = dict(
        batch_size=args.batch_size,
        out_dir=args.out,
        position=args.position,
        keep_channels=args.keep_channels or None,
        threshold=args.threshold,
        show_classes=args.classes,
        save_probs=args.save_probs,
        save_rle=args.save_rle,
        fps=args.fps,
        audio_shift=args.audio_shift,
        smooth=args.smooth,
    )
    results = inferencer(args.input, args.sound, **options)
    if 'frames' in results:
        print_videos(results)
    else:
        single = not isinstance(results['predictions'], list)
        print_pictures(args.input, [results['sounding']] if single else results['sounding'])
    print(f'written to {args.out}')


def print_pictures(source: str, sounding: list) -> None:
    """Prints the classes of one picture, or of the first ones of a folder."""
    if not os.path.isdir(source):
        print(f'{source}: {describe(sounding[0])}')
        return
    for number, classes in enumerate(sounding[:_SHOWN], 1):
        print(f'picture {number}: {describe(classes)}')
    if len(sounding) > _SHOWN:
        print(f'... and {len(sounding) - _SHOWN} more, see sounding.csv')


def print_videos(results: dict) -> None:
    """Prints in how many frames each class sounds."""
    counts = sorted(results['sounding'].items(), key=lambda item: -item[1])
    shown = ', '.join(f'{name} in {count}' for name, count in counts) or 'nothing sounds'
    print(f'{results["frames"]} frames: {shown}')
    for path, reason in results['failed']:
        print(f'left out: {path}: {reason}')


def main(argv=None) -> None:
    args = parse_args(argv)
    keep_freed_memory()
    warnings.filterwarnings('ignore', message='.*build_loss.*|.*binary segmentation.*')  # of mmseg, at building
    warnings.showwarning = lambda message, *_: print(f'note: {message}', file=sys.stderr)
    try:
        run(args)
    except KeyboardInterrupt:
        sys.exit(f'interrupted; what was done is in {args.out}')
    except (OSError, ValueError, ImportError) as error:
        sys.exit(f'error: {error}')


if __name__ == '__main__':
    main()
