r"""Converts a released AVSegFormer checkpoint and writes the config of its network.

    python tools/model_converters/avsegformer2mmavs.py avsegformer.pth checkpoints/ --vggish vggish-10086976.pth

Backbone (ResNet-50 or PVT-v2-B5) and data (1 output: AVSBench objects, 71: AVSBench-Semantic) are recognized by the
names and shapes of the weights. Released files do not contain VGGish, the audio network: its published weights are
added by --vggish. The last line of the output is the command for a test.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

if find_spec('mmavs') is None:  # not installed: use the package in this repository
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from conversion.avsegformer import METHOD  # noqa: E402
from conversion.baselines import parse_args as _parse_args  # noqa: E402

convert = METHOD.convert


def parse_args(argv=None):
    return _parse_args(__doc__, argv)


def main(argv=None) -> None:
    METHOD.main(__doc__, argv)


if __name__ == '__main__':
    main()
