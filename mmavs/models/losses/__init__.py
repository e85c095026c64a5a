from .cavp_loss import CAVPLoss, OriginalPairsLoss, SupConLoss
from .info_nce import info_nce
from .sup_con import sup_con

__all__ = ['CAVPLoss', 'OriginalPairsLoss', 'SupConLoss', 'info_nce', 'sup_con']
