from collections.abc import Callable

import torch
from mmseg.registry import OPTIMIZERS
from torch.optim import SGD, Adam, Optimizer

ALGORITHMS = dict(sgd=SGD, adam=Adam)


@OPTIMIZERS.register_module()
class SGDAdam(Optimizer):
    """SGD on some parameter groups and Adam on the others, as one optimizer.

    CAVP trains its visual parts with SGD and its audio network with Adam. A single optimizer supports loss scaling,
    gradient accumulation and clipping, schedulers and checkpoints.

    Args:
        params: Parameter groups; a group's key ``algorithm`` is ``'sgd'`` (the default) or ``'adam'``, its other keys
            are options of that algorithm.
        lr: Learning rate of groups that set none.
        momentum: Of SGD.
        weight_decay: Of groups that set none.
        betas: Of Adam.
        eps: Of Adam.
    """

    def __init__(
        self,
        params,
        lr: float = 1e-3,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        betas=(0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        super().__init__(
            params, dict(algorithm='sgd', lr=lr, momentum=momentum, weight_decay=weight_decay, betas=betas, eps=eps)
        )

    def add_param_group(self, param_group: dict) -> None:
        """Adds a group, as in ``torch.optim.Optimizer``."""
        algorithm = param_group.get('algorithm', 'sgd')
        if algorithm not in ALGORITHMS:
            raise ValueError(
                f'algorithm of a parameter group must be one of {", ".join(ALGORITHMS)}, got {algorithm!r}'
            )
        super().add_param_group(param_group)
        self._make_parts()

    def __setstate__(self, state: dict) -> None:
        # Called by `load_state_dict`, unpickling and copying, which replace the groups.
        super().__setstate__(state)
        self._make_parts()

    def _make_parts(self) -> None:
        """Makes one optimizer for each algorithm; it shares the groups and the state of this one."""
        self._parts: list[Optimizer] = []
        for name, cls in ALGORITHMS.items():
            groups = [g for g in self.param_groups if g['algorithm'] == name]
            if groups:
                part = cls(groups)
                part.state = self.state
                self._parts.append(part)

    @torch.no_grad()
    def step(self, closure: Callable | None = None) -> float | None:
        """Updates all parameters."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self._parts:
            part.step()
        return loss
