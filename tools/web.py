"""Serves a web page on which a network segments pictures with sounds, and short videos.

    python tools/web.py --weights work_dirs/demo/best_mIoU_epoch_6.pth

The page is reachable from this computer alone, unless --host names another address. It needs the extra `web`:

    pip install -c requirements/constraints.txt -e '.[web,video]'
"""

import argparse
import glob
import os
import signal
import sys
from contextlib import suppress

DEMO = 'work_dirs/demo/best_*.pth'


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--weights', help=f'checkpoint (default: the newest {DEMO})')
    parser.add_argument('--model', help='config, if it is not in the checkpoint')
    parser.add_argument('--device', help='device of the network (default: a GPU if there is one)')
    parser.add_argument('--host', default='127.0.0.1', help='address to bind to (127.0.0.1)')
    parser.add_argument('--port', type=int, default=7860, help='port (7860)')
    parser.add_argument('--max-mb', type=float, default=20, help='largest file (20 MB)')
    parser.add_argument('--max-sound', type=float, default=120, help='longest sound (120 s)')
    parser.add_argument('--max-video', type=float, default=30, help='longest video (30 s)')
    return parser.parse_args(argv)


def find_weights(path: str | None) -> str:
    """The checkpoint of the command line, or the newest of the demo."""
    if path:
        return path
    found = sorted(glob.glob(DEMO), key=os.path.getmtime)
    if not found:
        raise FileNotFoundError(f'there is no {DEMO}: run make demo, or name a checkpoint with --weights')
    return found[-1]


def main(argv=None) -> None:
    args = parse_args(argv)
    try:
        weights = find_weights(args.weights)
        from mmavs.apis import AVSegInferencer
        from mmavs.apis.web.limits import Limits
        from mmavs.apis.web.page import make_app, make_folder

        limits = Limits(megabytes=args.max_mb, sound_seconds=args.max_sound, video_seconds=args.max_video)
        folder = make_folder()
        inferencer = AVSegInferencer(args.model, weights, device=args.device, show_progress=False)
        app = make_app(inferencer, folder=folder, host=args.host, limits=limits)
        import uvicorn
    except (ImportError, OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    print(f'http://{args.host}:{args.port} (Ctrl+C ends it)', flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # ends as Ctrl+C does, so that the folder is removed
    with suppress(KeyboardInterrupt):
        uvicorn.run(app, host=args.host, port=args.port, log_level='warning')


if __name__ == '__main__':
    main()
