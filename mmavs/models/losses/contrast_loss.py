from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from .pairing import Draw, audio_sets, draw_pairs


class ContrastLoss(nn.Module):
    """Base of the contrastive losses on pixels of audio-visual pairs.

    Used in two steps: :meth:`draw` selects pixels and their labels, the caller fuses them, and :meth:`forward` compares
    their features. A subclass defines the loss in :meth:`contrast` and sets ``shuffle`` if it uses shuffled pairs.

    Args:
        temperature: tau.
        max_views: Maximum number of pixels drawn of each foreground class, of the background, and of shuffled pairs.
        positive_share: Share of foreground pixels of original pairs (positives) among all pixels drawn (Table 5); the
            others are background and shuffled pairs (negatives). None draws as the reference does.
        strict_sets: The strict reading of Eq. 3, see :func:`distinguish_sets`.
        match_category: If the dataset has categories of clips, audio counts as the same only within a category. In
            AVSBench-Object all objects have one class, so that only the category distinguishes a dog from a guitar.
        ignore_index: Label of pixels to leave out.
        loss_weight: Factor of the loss.
        loss_name: Its name in the log; begins with ``loss_``.

    Shape:
        - Input: features (M, C) and labels (M,)
        - Output: scalar

    Raises:
        ValueError: An option is out of range.
    """

    uses_shuffled = False

    def __init__(
        self,
        temperature: float = 0.1,
        max_views: int = 512,
        *,
        positive_share: float | None = None,
        strict_sets: bool = False,
        match_category: bool = True,
        ignore_index: int = 255,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_contrast',
    ) -> None:
        super().__init__()
        if positive_share is not None and not 0 < positive_share < 1:
            raise ValueError(f'contrast_loss.positive_share must lie between 0 and 1, or be None; got {positive_share}')
        if temperature <= 0 or max_views < 1:
            raise ValueError(
                f'contrast_loss needs temperature > 0 and max_views >= 1, got {temperature} and {max_views}'
            )
        self.temperature = temperature
        self.max_views = max_views
        self.positive_share = positive_share
        self.strict_sets = strict_sets
        self.match_category = match_category
        self.ignore_index = ignore_index
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def draw(self, label: Tensor, metas: Sequence[dict]) -> Draw:
        """Selects the pixels to contrast, and pairs each image with the audio of a random image of the batch.

        Args:
            label: (B, h, w), class indices at the size of the features, background 0.
            metas: Meta information of each image, with ``audio_label`` and, where it is known, ``category``.

        Returns:
            Draw: The permutation of the audio, and the pixels of original and shuffled pairs.
        """
        return draw_pairs(
            label,
            audio_sets(metas, match_category=self.match_category),
            shuffle=self.uses_shuffled,
            strict_sets=self.strict_sets,
            max_views=self.max_views,
            positive_share=self.positive_share,
            ignore_index=self.ignore_index,
        )

    def forward(self, features: Tensor, label: Tensor) -> Tensor:
        """Compares the features (M, C) of the drawn pixels by their labels (M,)."""
        return self.loss_weight * self.contrast(F.normalize(features.float(), dim=1), label)

    def contrast(self, z: Tensor, label: Tensor) -> Tensor:
        """The loss of L2-normalized features (M, C), before ``loss_weight``."""
        raise NotImplementedError
