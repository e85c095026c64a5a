from mmengine.logging import print_log
from mmseg.registry import MODELS
from torch import Tensor

from .contrast_loss import ContrastLoss
from .info_nce_blockwise import info_nce_any_size
from .sup_con import sup_con


@MODELS.register_module()
class CAVPLoss(ContrastLoss):
    """Contrastive audio-visual pairing: Eq. 4 over original and shuffled pairs (Sec. 4.2, Eq. 1 to 5).

    Each step pairs every image with the audio of a random image of the batch. Pixels of objects that do not belong to
    the shuffled audio become informative negatives: the same visual feature with other audio.

    Arguments as in :class:`ContrastLoss`.
    """

    uses_shuffled = True

    def contrast(self, z: Tensor, label: Tensor) -> Tensor:
        """Eq. 4, see :func:`info_nce`."""
        return info_nce_any_size(z, label, self.temperature)


@MODELS.register_module()
class OriginalPairsLoss(ContrastLoss):
    """Eq. 4 over original pairs only: :class:`CAVPLoss` without its shuffled pairs.

    Arguments as in :class:`ContrastLoss`.
    """

    def contrast(self, z: Tensor, label: Tensor) -> Tensor:
        """Eq. 4, see :func:`info_nce`."""
        return info_nce_any_size(z, label, self.temperature)


@MODELS.register_module()
class SupConLoss(ContrastLoss):
    """Supervised contrastive loss of Khosla et al. over original pairs only, the third row of Table 4.

    Arguments as in :class:`ContrastLoss`.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        print_log(
            'SupConLoss is L_out of Khosla et al. (2020), whose denominator includes the other positives. Before, it '
            'was Eq. 4 on original pairs: a config that means that should name OriginalPairsLoss.',
            'current',
        )

    def contrast(self, z: Tensor, label: Tensor) -> Tensor:
        """``L_out``, see :func:`sup_con`."""
        return sup_con(z, label, self.temperature)
