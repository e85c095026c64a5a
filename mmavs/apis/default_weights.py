"""Default checkpoint of the tools."""

import glob
import os

RELEASED = os.path.join('checkpoints', 'cavp_*-released_avss*.pth')
"""The converted network of the authors for AVSBench-Semantic, with 70 classes."""
DEMO = os.path.join('work_dirs', 'demo', 'best_*.pth')
"""The network of `make demo`, trained on the drawings of the mini set."""
ADVICE = (
    'For photographs, convert the checkpoint of AVSBench-Semantic that the authors of CAVP publish (see '
    'configs/cavp/README.md): python tools/model_converters/cavp2mmavs.py FILE checkpoints/. It is then the default.'
)


def find_default_weights(folder: str = '') -> str:
    """The newest converted network for AVSBench-Semantic, else the newest best one of `make demo`.

    Args:
        folder: Folder with ``checkpoints`` and ``work_dirs``; the current folder by default.

    Raises:
        FileNotFoundError: There is no such checkpoint; the message explains how to get one.
    """
    for pattern in (RELEASED, DEMO):
        if found := glob.glob(os.path.join(folder, pattern)):
            return max(found, key=lambda path: (os.path.getmtime(path), path))
    raise FileNotFoundError(
        f'no network: there is no {os.path.join(folder, DEMO)}. Run `make demo`, which trains a small one on drawings '
        f'in some minutes, or name a checkpoint with --weights. {ADVICE}'
    )
