from .cavp_loss import CAVPLoss, OriginalPairsLoss, SupConLoss
from .dice import FrameDiceLoss, frame_dice
from .info_nce import info_nce
from .matching import AVMatchingLoss, matching_divergence
from .sup_con import sup_con

__all__ = [
    'AVMatchingLoss',
    'CAVPLoss',
    'FrameDiceLoss',
    'OriginalPairsLoss',
    'SupConLoss',
    'frame_dice',
    'info_nce',
    'matching_divergence',
    'sup_con',
]
