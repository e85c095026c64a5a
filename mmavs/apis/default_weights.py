"""Which checkpoint the tools take if none is named."""

import glob
import os

RELEASED = os.path.join('checkpoints', 'cavp_*-released_avss*.pth')
"""The authors' network for AVSBench-Semantic, converted; it knows 70 classes of real pictures."""
DEMO = os.path.join('work_dirs', 'demo', 'best_*.pth')
"""The network of `make demo`, which knows the drawings of the mini set."""
ADVICE = (
    'For real pictures convert the checkpoint of AVSBench-Semantic that the authors of CAVP publish (see '
    'configs/cavp/README.md): python tools/model_converters/cavp2mmavs.py FILE checkpoints/. It is the default then.'
)


def find_default_weights(folder: str = '') -> str:
    """The newest converted network for AVSBench-Semantic, else the newest best one of `make demo`.

    Args:
        folder: Folder that holds ``checkpoints`` and ``work_dirs``; the current one by default.

    Raises:
        FileNotFoundError: There is none; the message states how to get one.
    """
    for pattern in (RELEASED, DEMO):
        if found := glob.glob(os.path.join(folder, pattern)):
            return max(found, key=lambda path: (os.path.getmtime(path), path))
    raise FileNotFoundError(
        f'no network: there is no {os.path.join(folder, DEMO)}. Run `make demo`, which trains a small one on drawings '
        f'in some minutes, or name a checkpoint with --weights. {ADVICE}'
    )
