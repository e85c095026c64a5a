from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor, nn

from .info_nce import info_nce
from .pairing import PixelSample, distinguish_sets, draw_pixels, label_swapped, resize_label

FuseSwapped = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(permutation, image, pixel) -> features (M, C) of these pixels, fused with the permuted sound."""


def gather_pixels(feature: Tensor, sample: PixelSample) -> Tensor:
    """Features (B, C, h, w) at the pixels of a sample: (M, C)."""
    return feature.flatten(2)[sample.image, :, sample.pixel]


def contrast_pairs(
    own: Tensor, own_label: Tensor, swapped: Tensor | None, swapped_label: Tensor, *, temperature: float
) -> Tensor:
    """Eq. 4 over the pixels of own pairs (M, C) and of swapped pairs (K, C), with their labels (M,) and (K,)."""
    if swapped is not None:
        own, own_label = torch.cat([own, swapped.to(own.dtype)]), torch.cat([own_label, swapped_label])
    return info_nce(F.normalize(own.float(), dim=1), own_label, temperature)


@MODELS.register_module()
class SupConLoss(nn.Module):
    """Supervised contrastive loss on pixels of own audio-visual pairs only, the third row of Table 4.

    Args:
        temperature: tau of Eq. 4.
        max_views: Pixels drawn of each class at most.
        positive_share: Share of foreground samples (positives) against background and swapped ones (negatives),
            Table 5; 0.5 draws ``max_views`` of each kind, and the sum of both stays the same with any share.
        strict_sets: The strict reading of Eq. 3, see :func:`distinguish_sets`.
        ignore_index: Label of pixels to leave out.
        loss_weight: Factor of the loss.
        loss_name: Its name in the log; begins with ``loss_``.
    """

    uses_swapped = False

    def __init__(
        self,
        temperature: float = 0.1,
        max_views: int = 512,
        *,
        positive_share: float = 0.5,
        strict_sets: bool = False,
        ignore_index: int = 255,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_contrast',
    ) -> None:
        super().__init__()
        if not 0 < positive_share < 1:
            raise ValueError(f'positive_share must lie between 0 and 1, got {positive_share}')
        if temperature <= 0 or max_views < 1:
            raise ValueError(f'need temperature > 0 and max_views >= 1, got {temperature} and {max_views}')
        self.temperature = temperature
        self.positive_views = max(1, round(2 * positive_share * max_views))
        self.negative_views = max(1, round(2 * (1 - positive_share) * max_views))
        self.strict_sets = strict_sets
        self.ignore_index = ignore_index
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(
        self,
        fused: Tensor,
        label: Tensor,
        audio_label: Sequence[tuple[int, ...]],
        fuse_swapped: FuseSwapped | None = None,
    ) -> Tensor:
        """Computes the loss of a batch.

        Args:
            fused: (B, C, h, w), visual features fused with their own sound.
            label: (B, H, W), class indices, background 0.
            audio_label: The classes that sound, of each image.
            fuse_swapped: Fuses chosen pixels with another image's sound; called only where ``uses_swapped``.

        Returns:
            Tensor: The loss; 0 where there is nothing to contrast.
        """
        label = resize_label(label, fused.shape[2:])
        permutation = swapped = None
        if self.uses_swapped:
            permutation = torch.randperm(len(label), device=label.device)
            swapped = label_swapped(label, audio_label, permutation, ignore_index=self.ignore_index)
        if self.strict_sets:
            label = distinguish_sets(label, audio_label, ignore_index=self.ignore_index)
            swapped = (
                swapped
                if swapped is None
                else torch.where((swapped == 0) | (swapped == self.ignore_index), swapped, label)
            )
        own, other = draw_pixels(
            label,
            swapped,
            positive_views=self.positive_views,
            negative_views=self.negative_views,
            ignore_index=self.ignore_index,
        )
        swapped_features = fuse_swapped(permutation, other.image, other.pixel) if len(other.label) else None
        return self.loss_weight * contrast_pairs(
            gather_pixels(fused, own), own.label, swapped_features, other.label, temperature=self.temperature
        )


@MODELS.register_module()
class CAVPLoss(SupConLoss):
    """Contrastive audio-visual pairing: the contrastive loss over own and swapped sound (Sec. 4.2, Eq. 1 to 5).

    Each step pairs every image with the sound of a random image of the batch. Pixels of objects that the swapped
    sound does not belong to become informative negatives: same vision, other sound.

    Arguments as in :class:`SupConLoss`.
    """

    uses_swapped = True
