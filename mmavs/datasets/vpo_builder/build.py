"""The builder as one function."""

from collections.abc import Sequence
from typing import Any

from .builder import Builder
from .options import check_exists, check_options, make_parts
from .parallel import WorkerPool, default_workers
from .sampling import SUBSETS


def build_vpo(
    subset: str,
    *,
    instances: Sequence[str],
    images: Sequence[str],
    sounds_csv: str,
    sounds: str,
    out: str,
    captions: Sequence[str] = (),
    splits: Sequence[str] = (),
    classes: str | None = None,
    seed: int = 0,
    test_fraction: float = 0.1,
    val_fraction: float = 0.0,
    max_sources: int = 5,
    min_area: float = 0.005,
    min_candidates: int = 1,
    max_per_class: int | None = None,
    workers: int | None = None,
    copy_mode: str = 'copy',
    overwrite: bool = False,
) -> dict[str, dict[str, Any]]:
    """Builds VPO-SS, VPO-MS or VPO-MSMI in the layout of the released set (Sec. 3 of the paper).

    The result depends on the inputs, the options and the seed alone, not on ``workers``. A build that was interrupted
    goes on where it stopped when it is called again with the same arguments.

    Args:
        subset: ``'ss'``, ``'ms'``, ``'msmi'`` (which includes ``'ms'``) or ``'all'``.
        instances: COCO instances files.
        images: Folder of the images of each instances file.
        sounds_csv: VGGSound's list: id, start second, label, split.
        sounds: Folder of the recordings, ``<id>_<start second, six digits>.wav``.
        out: Root of the data set.
        captions: COCO captions file of each instances file; without, classes that need captions are left out.
        splits: ``'train'``, ``'val'`` or ``'test'`` for each instances file whose images shall all go there,
            ``'auto'`` for those to be divided.
        classes: Class file (see ``vpo_classes.yaml``), None for the 21 classes of VPO.
        seed: Of all random choices.
        test_fraction: Share of the images for testing.
        val_fraction: Share of the remaining images, and of the training recordings, for validation.
        max_sources: Most objects that sound in one image.
        min_area: Smallest share of the image that a sounding object covers.
        min_candidates: Fewest objects that could sound in an image of VPO-MS.
        max_per_class: Most sounding objects of a class in each split of VPO-SS, of VPO-MS, and of what VPO-MSMI adds;
            None for all.
        workers: Number of processes, None for one per CPU core.
        copy_mode: ``'copy'``, ``'hardlink'`` or ``'symlink'`` for images and recordings.
        overwrite: Build anew what ``out`` holds of these subsets, from whatever build it is.

    Returns:
        The manifest of each subset built, by name.

    Raises:
        ValueError: An option or an input is wrong, or ``out`` holds another build.
        FileNotFoundError: An input does not exist.
        OSError: A file cannot be written; no incomplete one is left under its final name.
    """
    parts = make_parts(instances, images, captions, splits, val_fraction)
    options = dict(
        seed=seed,
        test_fraction=test_fraction,
        val_fraction=val_fraction,
        max_sources=max_sources,
        min_area=min_area,
        min_candidates=min_candidates,
        max_per_class=max_per_class,
    )
    check_options(subset, copy_mode, workers, options)
    for path in (sounds_csv, sounds, *filter(None, [classes])):
        check_exists(path)
    subsets = {'all': SUBSETS, 'msmi': ('ms', 'msmi')}.get(subset, (subset,))
    with WorkerPool(workers or default_workers()) as pool:
        builder = Builder(
            parts,
            options,
            class_file=classes,
            sounds_csv=sounds_csv,
            sounds=sounds,
            out=out,
            pool=pool,
            copy_mode=copy_mode,
        )
        return builder.run(subsets, overwrite=overwrite)
