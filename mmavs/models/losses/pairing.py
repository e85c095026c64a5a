"""Which pixels of own and swapped pairs are contrasted, and as what (Eq. 1 to 3 of the paper)."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

BACKGROUND = 0


class PixelSample(NamedTuple):
    """Pixels drawn from one kind of pair.

    Attributes:
        image: (M,), which image of the batch.
        pixel: (M,), place in the flattened map.
        label: (M,), the label as which the pixel is contrasted; background is 0.
    """

    image: Tensor
    pixel: Tensor
    label: Tensor


def resize_label(label: Tensor, size: Sequence[int]) -> Tensor:
    """Labels (B, H, W) to the size of the features, nearest neighbour."""
    if tuple(label.shape[1:]) == tuple(size):
        return label
    return F.interpolate(label[:, None].float(), size=tuple(size), mode='nearest')[:, 0].to(label.dtype)


def label_swapped(
    label: Tensor, audio_label: Sequence[tuple[int, ...]], permutation: Tensor, *, ignore_index: int = 255
) -> Tensor:
    """Labels of the pairs of each image with another image's sound (Eq. 1).

    A foreground pixel keeps its class where the swapped sound has the same set of classes as the own one, and counts
    as background elsewhere. Background pixels of swapped pairs are uncertain, since something unlabelled may make the
    swapped sound (the uncertain set of Eq. 2): they are ignored.

    Args:
        label: (B, h, w).
        audio_label: The classes that sound, of each image's own sound.
        permutation: (B,), image i gets the sound of image permutation[i].
        ignore_index: Label of pixels to leave out.

    Returns:
        Tensor: (B, h, w).
    """
    same = torch.tensor(
        [set(own) == set(audio_label[j]) for own, j in zip(audio_label, permutation.tolist(), strict=True)],
        device=label.device,
    )
    foreground = (label != BACKGROUND) & (label != ignore_index)
    return torch.where(foreground, torch.where(same[:, None, None], label, BACKGROUND), ignore_index)


def distinguish_sets(label: Tensor, audio_label: Sequence[tuple[int, ...]], *, ignore_index: int = 255) -> Tensor:
    """The strict reading of Eq. 3: foreground pixels are positives only if their sets of sounds are equal, too.

    Gives every pair of (class, set of sounds) a label of its own, above all classes. Arguments as in
    :func:`label_swapped`.
    """
    sets = {s: i for i, s in enumerate(sorted({tuple(sorted(a)) for a in audio_label}))}
    index = torch.tensor([sets[tuple(sorted(a))] for a in audio_label], device=label.device)[:, None, None]
    foreground = (label != BACKGROUND) & (label != ignore_index)
    return torch.where(foreground, label + (ignore_index + 1) * (index + 1), label)


def draw(index: Tensor, count: int) -> Tensor:
    """``count`` of the entries of ``index`` at random, or all."""
    if len(index) <= count:
        return index
    return index[torch.randperm(len(index), device=index.device)[:count]]


def draw_pixels(
    label: Tensor, swapped: Tensor | None, *, positive_views: int, negative_views: int, ignore_index: int = 255
) -> tuple[PixelSample, PixelSample]:
    """Draws the samples of the contrastive loss.

    Of each foreground class ``positive_views`` pixels of own pairs, or all there are. Of the background pixels of own
    pairs and of the pixels of swapped pairs the same number each: ``negative_views``, or what the scarcer has.

    Args:
        label: (B, h, w), own pairs.
        swapped: (B, h, w), swapped pairs; None to draw ``negative_views`` background pixels and no swapped ones.
        positive_views: Pixels a class.
        negative_views: Pixels of background, and of swapped pairs.
        ignore_index: Label of pixels to leave out.

    Returns:
        tuple: The samples of own pairs and of swapped pairs.
    """
    flat = label.flatten()
    classes = [c for c in flat.unique().tolist() if c not in (BACKGROUND, ignore_index)]
    chosen: list[Tensor] = [draw((flat == c).nonzero()[:, 0], positive_views) for c in classes]
    background = (flat == BACKGROUND).nonzero()[:, 0]
    if swapped is None:
        swapped_flat, other = flat, background[:0]
        views = negative_views
    else:
        swapped_flat = swapped.flatten()
        other = (swapped_flat != ignore_index).nonzero()[:, 0]
        views = min(negative_views, len(background), len(other))
    chosen.append(draw(background, views))
    pixels = label[0].numel()
    return _sample(torch.cat(chosen), flat, pixels), _sample(draw(other, views), swapped_flat, pixels)


def _sample(index: Tensor, label: Tensor, pixels: int) -> PixelSample:
    return PixelSample(index // pixels, index % pixels, label[index])
