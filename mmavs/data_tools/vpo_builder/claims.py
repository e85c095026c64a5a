"""Records of the build that wrote an output folder, and checks against other builds."""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from typing import Any

from mmavs.utils.files import write_text

from .output import SUBSET_FOLDERS

PLAN_FILE = '.plan.json'
_REMEDY = 'replace it with --overwrite, or choose another --out'


def digest(content: Any) -> str:
    """SHA-256 of a JSON value."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def check_claims(out: str, subsets: Sequence[str], inputs: str, *, overwrite: bool) -> None:
    """Raises an error before the work begins if the folder contains another build.

    This includes other subsets in the folder, since all subsets under one root share the division into splits.

    Args:
        out: Root of the dataset.
        subsets: The subsets to be built.
        inputs: Digest of inputs, options and seed.
        overwrite: Allows replacing the subsets to be built.

    Raises:
        ValueError: There is another build; the message names the folder and the option to use.
    """
    for subset, name in SUBSET_FOLDERS.items():
        folder = os.path.join(out, name)
        claim = _read_claim(folder)
        if subset in subsets:
            if not overwrite and claim is None and os.path.isdir(folder) and os.listdir(folder):
                raise ValueError(f'{folder} was not built by this tool; {_REMEDY}')
            if not overwrite and claim is not None and claim['inputs'] != inputs:
                raise ValueError(f'{folder} comes from other inputs, options or another seed; {_REMEDY}')
        elif claim is not None and claim['inputs'] != inputs:
            raise ValueError(
                f'{folder} comes from other inputs, options or another seed, and subsets under one root '
                "must share their splits; build 'all' with --overwrite, or choose another --out"
            )


def claim_folder(out: str, subset: str, *, inputs: str, plan: str, overwrite: bool) -> None:
    """Reserves the folder of a subset for a plan; keeps files of the same plan.

    Args:
        out: Root of the dataset.
        subset: The subset.
        inputs: Digest of inputs, options and seed.
        plan: Digest of the samples.
        overwrite: Removes files of another plan.

    Raises:
        ValueError: The folder has another plan, and ``overwrite`` is not set.
    """
    folder = os.path.join(out, SUBSET_FOLDERS[subset])
    mine = {'inputs': inputs, 'plan': plan}
    claim = _read_claim(folder)
    if claim == mine and not overwrite:
        return
    if os.path.isdir(folder) and os.listdir(folder):
        if not overwrite:
            raise ValueError(
                f'{folder} was started with other images or recordings: some were added, removed or '
                f'replaced since; {_REMEDY}'
            )
        shutil.rmtree(folder)
    write_text(os.path.join(folder, PLAN_FILE), json.dumps(mine) + '\n')


def _read_claim(folder: str) -> dict[str, str] | None:
    try:
        with open(os.path.join(folder, PLAN_FILE), encoding='utf-8') as f:
            return json.load(f)
    except FileNotFoundError:
        return None
