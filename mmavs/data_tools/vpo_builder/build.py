"""The builder as a function."""

from typing import Any

from ..parallel import WorkerPool, default_workers
from .builder import Builder
from .options import BuildOptions, check_options, make_parts


def build_vpo(subset: str, **options: Any) -> dict[str, dict[str, Any]]:
    """Builds VPO-SS, VPO-MS or VPO-MSMI in the layout of the released set (Sec. 3 of the paper).

    The result depends on the inputs, the options and the seed, but not on ``workers``. An interrupted build resumes if
    it is called again with the same arguments.

    Args:
        subset: ``'ss'``, ``'ms'``, ``'msmi'`` (which includes ``'ms'``) or ``'all'``.
        options: See :class:`BuildOptions`.

    Returns:
        The manifest of each subset, by name.

    Raises:
        ValueError: An option or an input is invalid, there is no sample, or ``out`` has another build.
        FileNotFoundError: An input does not exist.
        OSError: A file cannot be written; no incomplete file is left under its final name.
    """
    chosen = BuildOptions(subset=subset, **options)
    parts = make_parts(chosen)
    check_options(chosen)
    with WorkerPool(chosen.workers or default_workers()) as pool:
        return Builder(parts, chosen, pool).run()
