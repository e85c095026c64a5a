from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from mmseg.registry import OPTIM_WRAPPERS
from torch import nn


@OPTIM_WRAPPERS.register_module()
class CPUAmpOptimWrapper(OptimWrapper):
    """Mixed precision with bfloat16 on a CPU, where mmengine's ``AmpOptimWrapper`` refuses to work.

    bfloat16 has the range of float32, so that there is no loss to scale. Arguments as those of ``OptimWrapper``.
    """

    @contextmanager
    def optim_context(self, model: nn.Module):
        """The forward pass runs in here."""
        with super().optim_context(model), torch.autocast('cpu', dtype=torch.bfloat16):
            yield
