"""The contrastive loss with dense maps and matrices."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def dense_cavp_loss(
    original: Tensor,
    shuffled: Tensor,
    label: Tensor,
    audio_label: Sequence[tuple[int, ...]],
    permutation: Tensor,
    *,
    views: int,
    temperature: float = 0.1,
    ignore_index: int = 255,
) -> Tensor:
    """Eq. 4 on the pixels that :class:`mmavs.models.losses.CAVPLoss` draws from the same random numbers.

    Args:
        original: (B, C, h, w), features fused with the original audio.
        shuffled: (B, C, h, w), features of image i fused with the audio of image permutation[i].
        label: (B, H, W), class indices.
        audio_label: The sounding classes of each image.
        permutation: (B,), drawn before all other random numbers.
        views: Number of pixels of each class and kind of pair.
        temperature: tau.
        ignore_index: Label of the pixels to ignore.
    """
    label = F.interpolate(label[:, None].float(), size=original.shape[2:], mode='nearest')[:, 0].long()
    foreground = (label != 0) & (label != ignore_index)
    same = [set(audio_label[i]) == set(audio_label[j]) for i, j in enumerate(permutation.tolist())]
    same = torch.tensor(same, device=label.device)[:, None, None]
    shuffled_label = torch.where(foreground, torch.where(same, label, 0), ignore_index)

    # all pixels of both kinds of pairs, (B * h * w, C), normalized
    original = F.normalize(original.permute(0, 2, 3, 1).reshape(-1, original.shape[1]), dim=1)
    shuffled = F.normalize(shuffled.permute(0, 2, 3, 1).reshape(-1, shuffled.shape[1]), dim=1)
    label, shuffled_label = label.flatten(), shuffled_label.flatten()

    chosen = []
    for c in label.unique().tolist():
        if c not in (0, ignore_index):
            chosen.append(_choose(label == c, views))
    background, other = label == 0, shuffled_label != ignore_index
    count = min(views, int(background.sum()), int(other.sum()))
    chosen.append(_choose(background, count))
    chosen = torch.cat(chosen)
    other = _choose(other, count)
    return dense_info_nce(
        torch.cat([original[chosen], shuffled[other]]), torch.cat([label[chosen], shuffled_label[other]]), temperature
    )


def _choose(mask: Tensor, count: int) -> Tensor:
    index = mask.nonzero()[:, 0]
    if len(index) > count:
        index = index[torch.randperm(len(index), device=index.device)[:count]]
    return index


def dense_info_nce(embedding: Tensor, label: Tensor, temperature: float) -> Tensor:
    """Eq. 4 with matrices of all samples by all samples: embedding (M, C), normalized, and label (M,)."""
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
