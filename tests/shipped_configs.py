"""The configs of the repository, each read once in a test run."""

import copy
import re
from functools import cache
from pathlib import Path

from mmengine.config import Config

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'
FORMER = re.compile(r"# Former name of (\S+)\n_base_ = '\./(\S+)'\n")
FILES = sorted(path for path in CONFIGS.rglob('*.py') if '_base_' not in path.parts)
LEAVES = [path for path in FILES if not FORMER.fullmatch(path.read_text())]
"""All but the files that keep a former name usable."""


@cache
def _read(path: Path) -> Config:
    return Config.fromfile(path)


def load(path: Path | str) -> Config:
    """A copy of a config, by its path or its path below ``configs/``."""
    return copy.deepcopy(_read(CONFIGS / path))


def heads_of(model: dict) -> list[dict]:
    """The decode heads in the config of a model: one, or those of a cascade."""
    head = model['decode_head']
    return head if isinstance(head, list) else [head]
