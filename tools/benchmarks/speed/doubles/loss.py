"""The contrastive loss over dense maps and matrices."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def dense_cavp_loss(
    own: Tensor,
    swapped: Tensor,
    label: Tensor,
    audio_label: Sequence[tuple[int, ...]],
    permutation: Tensor,
    *,
    views: int,
    temperature: float = 0.1,
    ignore_index: int = 255,
) -> Tensor:
    """Eq. 4 on the pixels that :class:`mmavs.models.losses.CAVPLoss` draws with the same random numbers.

    Args:
        own: (B, C, h, w), fused with the own sound.
        swapped: (B, C, h, w), fused with the sound of image permutation[i].
        label: (B, H, W), class indices.
        audio_label: The classes that sound, of each image.
        permutation: (B,), drawn before anything else.
        views: Pixels of each class and kind.
        temperature: tau.
        ignore_index: Label of pixels to leave out.
    """
    label = F.interpolate(label[:, None].float(), size=own.shape[2:], mode='nearest')[:, 0].long()
    foreground = (label != 0) & (label != ignore_index)
    same = [set(audio_label[i]) == set(audio_label[j]) for i, j in enumerate(permutation.tolist())]
    same = torch.tensor(same, device=label.device)[:, None, None]
    swapped_label = torch.where(foreground, torch.where(same, label, 0), ignore_index)

    # all pixels of both kinds of pairs, (B * h * w, C), normalised
    own = F.normalize(own.permute(0, 2, 3, 1).reshape(-1, own.shape[1]), dim=1)
    swapped = F.normalize(swapped.permute(0, 2, 3, 1).reshape(-1, swapped.shape[1]), dim=1)
    label, swapped_label = label.flatten(), swapped_label.flatten()

    chosen = []
    for c in label.unique().tolist():
        if c not in (0, ignore_index):
            chosen.append(_choose(label == c, views))
    background, other = label == 0, swapped_label != ignore_index
    count = min(views, int(background.sum()), int(other.sum()))
    chosen.append(_choose(background, count))
    chosen = torch.cat(chosen)
    other = _choose(other, count)
    return dense_info_nce(
        torch.cat([own[chosen], swapped[other]]), torch.cat([label[chosen], swapped_label[other]]), temperature
    )


def _choose(mask: Tensor, count: int) -> Tensor:
    index = mask.nonzero()[:, 0]
    if len(index) > count:
        index = index[torch.randperm(len(index), device=index.device)[:count]]
    return index


def dense_info_nce(embedding: Tensor, label: Tensor, temperature: float) -> Tensor:
    """Eq. 4 with matrices of all samples by all samples: embedding (M, C), normalised, and label (M,)."""
    same = (label[:, None] == label[None]).float()
    negative = 1 - same
    positive = same - torch.eye(len(label), device=label.device)
    logits = embedding @ embedding.T / temperature
    exponential = logits.exp()
    denominator = exponential + (exponential * negative).sum(dim=1, keepdim=True)
    log_probability = logits - denominator.log()
    count = positive.sum(dim=1)
    per_anchor = -(positive * log_probability).sum(dim=1)[count > 0] / count[count > 0]
    return per_anchor.mean()
