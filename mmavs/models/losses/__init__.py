from .cavp_loss import CAVPLoss, SupConLoss
from .info_nce import info_nce

__all__ = ['CAVPLoss', 'SupConLoss', 'info_nce']
