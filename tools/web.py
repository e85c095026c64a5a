"""Serves a web page that segments pictures with audio, and short videos.

    python tools/web.py --weights work_dirs/demo/best_mIoU_epoch_7.pth

The page is reachable only from this computer, unless --host sets another address. It needs the extra `web`:

    pip install -c requirements/constraints.txt -e '.[web,video]'
"""

import argparse
import signal
import sys
from contextlib import suppress


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--weights', help='checkpoint (default: the converted one of the authors, else the one of make demo)'
    )
    parser.add_argument('--model', help='config, if it is not in the checkpoint')
    parser.add_argument('--device', help='device of the network (default: a GPU if there is one)')
    parser.add_argument('--host', default='127.0.0.1', help='address to bind to (127.0.0.1)')
    parser.add_argument('--port', type=int, default=7860, help='port (7860)')
    parser.add_argument('--max-mb', type=float, default=20, help='largest file (20 MB)')
    parser.add_argument('--max-size', type=int, default=1024, help='longest side of a picture for the network (1024)')
    parser.add_argument('--max-sound', type=float, default=120, help='longest sound (120 s)')
    parser.add_argument('--max-video', type=float, default=30, help='longest video (30 s)')
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    try:
        from mmavs.apis import AVSegInferencer
        from mmavs.apis.default_weights import find_default_weights
        from mmavs.apis.web.limits import Limits
        from mmavs.apis.web.page import make_app, make_folder

        limits = Limits(megabytes=args.max_mb, sound_seconds=args.max_sound, video_seconds=args.max_video)
        weights, folder = args.weights or find_default_weights(), make_folder()
        inferencer = AVSegInferencer(
            args.model, weights, device=args.device, show_progress=False, max_size=args.max_size
        )
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
