"""Converts the output of a segmentor to a mask and a list of the sounding classes."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import Tensor

BACKGROUND = 0


class SoundingClass(NamedTuple):
    """A class in a prediction.

    Attributes:
        label: Class index.
        name: Name of the class.
        pixels: Number of pixels of the class.
        share: Fraction of the pixels of the picture, from 0 to 1.
        probability: Mean probability of the class over these pixels, from 0 to 1.
    """

    label: int
    name: str
    pixels: int
    share: float
    probability: float


def find_probabilities(sample: SegDataSample) -> Tensor:
    """Probabilities (classes, H, W), float32. A single output for binary segmentation becomes two classes."""
    output = sample.seg_logits.data.float()
    if len(output) == 1:  # mmseg has applied the sigmoid
        return torch.cat([1 - output, output])
    return output.softmax(dim=0)


class MaskRule:
    """Assigns a class to each pixel.

    By default it is the most probable class, as in mmseg. With one output channel it is the object if the probability
    is at least the threshold of the head.

    Args:
        classes: Names of the classes, background first.
        head_threshold: Threshold of a head with one output channel, else None.
        threshold: A pixel gets its most probable object class if the probability of this class is at least the
            threshold, and background otherwise. None for the default.
        selected: Names of the classes to show; pixels of others count as background. None for all.

    Raises:
        ValueError: ``threshold`` is not in (0, 1], or a selected class does not exist.
    """

    def __init__(
        self,
        classes: Sequence[str],
        *,
        head_threshold: float | None = None,
        threshold: float | None = None,
        selected: Sequence[str] | None = None,
    ) -> None:
        if threshold is not None and not 0 < threshold <= 1:
            raise ValueError(f'threshold must be a probability in (0, 1], got {threshold}')
        selected = [selected] if isinstance(selected, str) else selected
        if unknown := [name for name in selected or () if name not in classes]:
            raise ValueError(f'the network has no class {unknown[0]!r}; it has {", ".join(classes)}')
        self.classes = tuple(classes)
        self.threshold = head_threshold if threshold is None else threshold
        self.hidden = [i for i, name in enumerate(classes) if selected is not None and name not in selected]

    def __call__(self, probabilities: Tensor) -> Tensor:
        """Probabilities (classes, H, W) -> class indices (H, W), int64."""
        if self.threshold is None:
            mask = probabilities.argmax(dim=0)
        else:
            best, mask = probabilities[BACKGROUND + 1 :].max(dim=0)
            mask = torch.where(best >= self.threshold, mask + 1, BACKGROUND)
        if self.hidden:
            mask[torch.isin(mask, torch.tensor(self.hidden, device=mask.device))] = BACKGROUND
        return mask

    def list_classes(self, mask: Tensor, probabilities: Tensor) -> list[SoundingClass]:
        """The classes of a mask (H, W) except background, the largest first."""
        found = []
        counts = torch.bincount(mask.flatten(), minlength=len(self.classes)).tolist()
        for label in range(BACKGROUND + 1, len(self.classes)):
            if counts[label]:
                mean = float(probabilities[label][mask == label].mean())
                share = counts[label] / mask.numel()
                found.append(SoundingClass(label, self.classes[label], counts[label], share, mean))
        return sorted(found, key=lambda item: -item.pixels)


def set_prediction(sample: SegDataSample, mask: Tensor) -> None:
    """Puts a mask (H, W) into a data sample."""
    sample.set_data(dict(pred_sem_seg=PixelData(data=mask[None])))
