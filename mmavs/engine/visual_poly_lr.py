from typing import List

from mmengine.optim import PolyLR
from mmseg.registry import PARAM_SCHEDULERS


@PARAM_SCHEDULERS.register_module()
class VisualPolyLR(PolyLR):
    """mmengine's ``PolyLR`` that leaves alone the parameter groups with ``constant_lr=True``: CAVP's audio network.

    Arguments as those of ``PolyLR``.
    """

    def _get_value(self) -> List[float]:
        values = super()._get_value()
        return [group['lr'] if group.get('constant_lr') else value
                for group, value in zip(self.optimizer.param_groups, values, strict=True)]
