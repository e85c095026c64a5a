"""Sampling and labels of the contrasted pixels of original and shuffled pairs (Eq. 1 to 3 of the paper)."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ..device_copy import copy_to_device
from .label_groups import group_by_label
from .views import count_views

BACKGROUND = 0

AudioSet = frozenset[Hashable]
"""Identifies the audio of a sample: samples with equal sets count as the same audio."""


class PixelSample(NamedTuple):
    """Pixels drawn from one kind of pair.

    Attributes:
        image: (M,), index of the image in the batch.
        pixel: (M,), index in the flattened map.
        label: (M,), the label of the pixel in the contrastive loss; background is 0.
    """

    image: Tensor
    pixel: Tensor
    label: Tensor


class Draw(NamedTuple):
    """The pixels of one training step.

    Attributes:
        permutation: (B,), image i is paired with the audio of image permutation[i].
        original: Pixels of original pairs.
        shuffled: Pixels of shuffled pairs; empty for losses without shuffled pairs.
    """

    permutation: Tensor
    original: PixelSample
    shuffled: PixelSample


def audio_sets(metas: Sequence[dict], *, match_category: bool = True) -> list[AudioSet]:
    """The set of sounding classes of each sample, with the category of its clip if it is known.

    Args:
        metas: Meta information with ``audio_label`` and optionally ``category``.
        match_category: Adds the category to the set.
    """
    sets = []
    for meta in metas:
        category = meta.get('category') if match_category else None
        sets.append(frozenset(meta['audio_label']) | ({('category', category)} if category else frozenset()))
    return sets


def draw_pairs(
    label: Tensor,
    audio: Sequence[AudioSet],
    *,
    shuffle: bool,
    strict_sets: bool = False,
    max_views: int = 512,
    positive_share: float | None = None,
    ignore_index: int = 255,
) -> Draw:
    """Pairs images with shuffled audio, labels the pixels of both kinds of pairs, and draws some of them.

    Args:
        label: (B, h, w), class indices, background 0.
        audio: The audio of each sample, see :func:`audio_sets`.
        shuffle: Draws pixels of shuffled pairs, too.
        strict_sets: See :func:`distinguish_sets`.
        max_views: See :func:`count_views`.
        positive_share: See :func:`count_views`.
        ignore_index: Label of pixels to leave out.
    """
    permutation = torch.randperm(len(label), device=label.device) if shuffle else torch.arange(0, device=label.device)
    shuffled = label_shuffled(label, audio, permutation, ignore_index=ignore_index) if shuffle else None
    if strict_sets:
        label = distinguish_sets(label, audio, ignore_index=ignore_index)
        if shuffled is not None:
            shuffled = torch.where((shuffled == BACKGROUND) | (shuffled == ignore_index), shuffled, label)
    samples = draw_pixels(
        label, shuffled, max_views=max_views, positive_share=positive_share, ignore_index=ignore_index
    )
    return Draw(permutation, *samples)


def resize_label(label: Tensor, size: Sequence[int]) -> Tensor:
    """Resizes labels (B, H, W) to the size of the features by nearest neighbor."""
    if tuple(label.shape[1:]) == tuple(size):
        return label
    return F.interpolate(label[:, None].float(), size=tuple(size), mode='nearest')[:, 0].to(label.dtype)


def label_shuffled(label: Tensor, audio: Sequence[AudioSet], permutation: Tensor, *, ignore_index: int = 255) -> Tensor:
    """Labels of the pairs of each image with the audio of another image (Eq. 1).

    A foreground pixel keeps its class if the shuffled audio is the same as the original audio, and is background
    otherwise. Background pixels of shuffled pairs are uncertain, since they may show an object that sounds and is not
    annotated (the uncertain set of Eq. 2). They are ignored.

    Args:
        label: (B, h, w).
        audio: Each image's original audio.
        permutation: (B,), image i is paired with the audio of image permutation[i].
        ignore_index: Label of pixels to leave out.

    Returns:
        Tensor: (B, h, w).
    """
    equal = copy_to_device([[a == b for b in audio] for a in audio], label.device)
    same = equal.gather(1, permutation[:, None]).squeeze(1)
    foreground = (label != BACKGROUND) & (label != ignore_index)
    return torch.where(foreground, torch.where(same[:, None, None], label, BACKGROUND), ignore_index)


def distinguish_sets(label: Tensor, audio: Sequence[AudioSet], *, ignore_index: int = 255) -> Tensor:
    """The strict reading of Eq. 3: foreground pixels are positives only if their audio is the same, too.

    Every pair (class, audio) gets a unique label, larger than all class indices. Arguments as in
    :func:`label_shuffled`.
    """
    numbers = {a: i for i, a in enumerate(dict.fromkeys(audio))}
    index = copy_to_device([numbers[a] for a in audio], label.device)[:, None, None]
    foreground = (label != BACKGROUND) & (label != ignore_index)
    return torch.where(foreground, label + (ignore_index + 1) * (index + 1), label)


def draw(index: Tensor, count: int) -> Tensor:
    """``count`` random entries of ``index``, or all if there are fewer."""
    if len(index) <= count:
        return index
    return index[torch.randperm(len(index), device=index.device)[:count]]


def draw_pixels(
    label: Tensor,
    shuffled: Tensor | None,
    *,
    max_views: int,
    positive_share: float | None = None,
    ignore_index: int = 255,
) -> tuple[PixelSample, PixelSample]:
    """Draws pixels of original and shuffled pairs; :func:`count_views` computes their numbers.

    Args:
        label: (B, h, w), labels of original pairs.
        shuffled: (B, h, w), labels of shuffled pairs; None to draw none.
        max_views: See :func:`count_views`.
        positive_share: See :func:`count_views`.
        ignore_index: Label of pixels to leave out.
    """
    flat = label.flatten()
    shuffled_flat = torch.full_like(flat, ignore_index) if shuffled is None else shuffled.flatten()
    groups, other = group_by_label(flat, shuffled_flat != ignore_index)
    background = groups.pop(BACKGROUND, other[:0])
    classes = [index for c, index in groups.items() if c != ignore_index]
    views = count_views(
        [len(index) for index in classes],
        len(background),
        None if shuffled is None else len(other),
        max_views=max_views,
        positive_share=positive_share,
    )
    chosen = [draw(index, count) for index, count in zip(classes, views.classes, strict=True)]
    chosen.append(draw(background, views.background))
    pixels = label[0].numel()
    original = _sample(torch.cat(chosen), flat, pixels)
    return original, _sample(draw(other, views.shuffled), shuffled_flat, pixels)


def gather_pixels(feature: Tensor, sample: PixelSample) -> Tensor:
    """Features (B, C, h, w) at the pixels of a sample: (M, C)."""
    return feature.flatten(2)[sample.image, :, sample.pixel]


def _sample(index: Tensor, label: Tensor, pixels: int) -> PixelSample:
    return PixelSample(index // pixels, index % pixels, label[index])
