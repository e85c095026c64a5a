"""Image and mask files of the samples."""

import io
import os
from typing import Any, NamedTuple

from PIL import Image

from mmavs.utils.files import place_file, write_bytes

from .masks import draw_mask

SUBSET_FOLDERS = {'ss': 'VPO-SS', 'ms': 'VPO-MS', 'msmi': 'VPO-MSMI'}
AUDIO_FOLDER = os.path.join('VGGSound', 'audios')


class SampleJob(NamedTuple):
    """Files of one sample.

    Attributes:
        source: The source image.
        image: Path of the image of the sample (JPEG).
        mask: Path of its mask (PNG, one channel).
        layers: Pixel value and segmentation from the bottom to the top.
        height: Height in pixels.
        width: Width in pixels.
        copy_mode: See :func:`place_file`.
    """

    source: str
    image: str
    mask: str
    layers: list[tuple[int, Any]]
    height: int
    width: int
    copy_mode: str


def sample_files(out: str, subset: str, *, image_id: int, ann_id: int, class_name: str) -> tuple[str, str]:
    """Image and mask path of a sample in the layout of the released VPO.

    Args:
        out: Root of the dataset.
        subset: ``'ss'``, ``'ms'`` or ``'msmi'``; for the last, samples with several instances of a class.
        image_id: COCO's id.
        ann_id: Id of the sounding object, used by VPO-SS.
        class_name: Class of the sounding object, used by VPO-SS.
    """
    root = os.path.join(out, SUBSET_FOLDERS[subset])
    if subset == 'ss':
        return (
            os.path.join(root, 'data', class_name, f'{image_id:012d}.jpg'),
            os.path.join(root, 'mask', class_name, f'{image_id:012d}_{ann_id:012d}.png'),
        )
    return os.path.join(root, 'data', f'{image_id:012d}.jpg'), os.path.join(root, 'mask', f'{image_id:012d}.png')


def write_sample(job: SampleJob) -> None:
    """Writes image and mask unless they exist."""
    _place_image(job)
    if not os.path.exists(job.mask) or not os.path.getsize(job.mask):
        mask = draw_mask(job.layers, height=job.height, width=job.width)
        write_bytes(job.mask, _encode(Image.fromarray(mask), format='PNG'))


def _place_image(job: SampleJob) -> None:
    with Image.open(job.source) as image:
        if image.format in ('JPEG', 'MPO'):
            place_file(job.source, job.image, job.copy_mode)
        elif not os.path.exists(job.image) or not os.path.getsize(job.image):
            write_bytes(job.image, _encode(image.convert('RGB'), format='JPEG', quality=95))


def _encode(image: Image.Image, **options: Any) -> bytes:
    content = io.BytesIO()
    image.save(content, **options)
    return content.getvalue()
