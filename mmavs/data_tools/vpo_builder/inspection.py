"""Inspection of source images: decodes them and finds the objects that are large and visible enough."""

from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask

from .masks import drawing_order, rasterize
from .segmentation import Segmentation

SMALL = 'smaller than --min-area'
_EXIF_ORIENTATION = 0x0112


class InspectionJob(NamedTuple):
    """One image to inspect.

    Attributes:
        path: The image file.
        height: Annotated height in pixels.
        width: Annotated width in pixels.
        objects: Annotation id and segmentation of the objects.
        min_area: Smallest share of the image that an object must cover.
    """

    path: str
    height: int
    width: int
    objects: list[tuple[int, Segmentation]]
    min_area: float


def inspect_image(job: InspectionJob) -> dict[str, Any]:
    """Decodes the image and rasterizes its objects.

    Returns:
        ``{'problem': reason}`` if the image cannot be used. Otherwise ``{'objects': [[id, pixels, position], ...]}``
        with the objects that cover at least ``min_area`` and are not completely hidden behind smaller ones; the
        position is the horizontal center of mass of the object's mask from left (0) to right (1). If other objects are
        dropped, ``'dropped'`` has their annotation ids by reason.
    """
    problem = image_problem(job.path, height=job.height, width=job.width)
    if problem:
        return {'problem': problem}
    masks, sizes = {}, {}
    dropped: dict[str, list[int]] = {}
    for ann_id, segmentation in job.objects:
        mask = rasterize(segmentation, height=job.height, width=job.width)
        size = int(coco_mask.area(mask))
        if size and size >= job.min_area * job.height * job.width:
            masks[ann_id], sizes[ann_id] = mask, size
        else:
            dropped.setdefault(SMALL if size else 'mask without pixels in the image', []).append(ann_id)
    visible, covered = [], []
    for ann_id in reversed(drawing_order(sizes)):
        hidden = coco_mask.merge([masks[ann_id], coco_mask.merge(covered)], intersect=True) if covered else None
        if hidden is None or coco_mask.area(hidden) < sizes[ann_id]:
            visible.append(ann_id)
        else:
            dropped.setdefault('hidden behind smaller objects', []).append(ann_id)
        covered.append(masks[ann_id])
    result = {'objects': [[i, sizes[i], mask_position(coco_mask.decode(masks[i]))] for i in sorted(visible)]}
    return {**result, 'dropped': dropped} if dropped else result


def mask_position(mask: np.ndarray) -> float:
    """alpha = c_w / W of Sec. 3: mean over the mask's pixels of (x + 0.5) / W, from 0 (left) to 1 (right).

    Args:
        mask: uint8 (height, width) of 0 and 1, not all 0.
    """
    columns = mask.sum(0, dtype=np.uint32)
    return float((columns * (np.arange(mask.shape[1]) + 0.5)).sum() / columns.sum() / mask.shape[1])


def image_problem(path: str, *, height: int, width: int) -> str | None:
    """Reason why an image cannot be used, or None. The image is decoded completely, to find truncated files.

    The part of the text before the colon, if any, is the same for all images with this problem.
    """
    try:
        with Image.open(path) as image:
            image.load()
            if image.size != (width, height):
                return f'size differs from the annotation: {image.width} x {image.height}, annotated {width} x {height}'
            # Image readers rotate such an image, so that its mask would not match.
            if image.getexif().get(_EXIF_ORIENTATION, 1) != 1:
                return 'rotated by its EXIF orientation'
    except FileNotFoundError:
        return 'missing'
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        return f'cannot be decoded: {error}'.replace(path, 'file')
    return None
