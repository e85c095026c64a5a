"""Position of a window in its image, for modules that use image coordinates."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from torch import Tensor

from ..device_copy import copy_to_device


class Window(NamedTuple):
    """Edges of a window, in fractions of the image's height and width.

    Each is a number, or a tensor (B,) with one value for each image of a batch. Values beyond [0, 1] lie in the padding
    of the image.
    """

    top: float | Tensor = 0.0
    bottom: float | Tensor = 1.0
    left: float | Tensor = 0.0
    right: float | Tensor = 1.0

    def crop(self, inner: 'Window') -> 'Window':
        """The edges in the image of ``inner``, whose edges are fractions of this window."""
        height, width = self.bottom - self.top, self.right - self.left
        return Window(
            self.top + height * inner.top,
            self.top + height * inner.bottom,
            self.left + width * inner.left,
            self.left + width * inner.right,
        )


WHOLE = Window()


def input_window(metas: Sequence[dict], size: Sequence[int], like: Tensor) -> Window:
    """The window of each network input in the image that it was cropped from.

    Args:
        metas: Meta information of each image. ``img_shape``: height and width before padding. ``crop_window``, if the
            image was cropped: edges (top, bottom, left, right) of the crop, in fractions of the image's height and
            width.
        size: Height and width of the network input, with its padding on the right and below.
        like: Tensor whose device and dtype the edges get.

    Returns:
        Window: Edges of shape (B,).
    """
    edges = []
    for meta in metas:
        (height, width), crop = meta['img_shape'][:2], Window(*meta.get('crop_window', WHOLE))
        edges.append(crop.crop(Window(bottom=size[0] / height, right=size[1] / width)))
    return Window(*copy_to_device(edges, like.device, like.dtype).unbind(1))


def sliding_windows(
    size: Sequence[int], crop_size: Sequence[int], stride: Sequence[int]
) -> Iterator[tuple[slice, slice]]:
    """The rows and columns of the crops of slide inference, as in mmseg: the last ones end at the image's edges.

    Args:
        size: Height and width of the image.
        crop_size: Height and width of a crop; a smaller image is one crop.
        stride: Steps between crops, in pixels.
    """
    rows, columns = (_positions(*lengths) for lengths in zip(size, crop_size, stride, strict=True))
    for row in rows:
        for column in columns:
            yield row, column


def _positions(size: int, crop: int, stride: int) -> list[slice]:
    ends = [min(i * stride + crop, size) for i in range(max(size - crop + stride - 1, 0) // stride + 1)]
    return [slice(max(end - crop, 0), end) for end in ends]
