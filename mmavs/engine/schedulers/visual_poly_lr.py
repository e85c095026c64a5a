from mmengine.optim import PolyLR
from mmseg.registry import PARAM_SCHEDULERS


@PARAM_SCHEDULERS.register_module()
class VisualPolyLR(PolyLR):
    """mmengine's ``PolyLR``; groups with ``constant_lr=True`` (the audio network) keep their learning rate.

    Step t of T has ``(1 - t / T) ** power`` times the initial learning rate. mmengine divides by T - 1, so its last
    step has a rate of 0.

    Arguments are those of ``PolyLR``.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.total_iters = self.end - self.begin

    def _get_value(self) -> list[float]:
        values = super()._get_value()
        return [
            group['lr'] if group.get('constant_lr') else value
            for group, value in zip(self.optimizer.param_groups, values, strict=True)
        ]
