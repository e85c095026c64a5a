from collections.abc import Sequence

from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class TPAVINeck(BaseModule):
    """Maps each stage of the backbone to the same number of channels by a sum of dilated 3 x 3 convolutions, as in
    TPAVI.

    Args:
        in_channels: Channels of each stage.
        out_channels: Channels of each output.
        dilations: Dilation of each convolution of a stage.
        init_cfg: As in mmengine.

    Shape:
        - Input: maps (B, in_channels[i], h_i, w_i)
        - Output: maps (B, out_channels, h_i, w_i)
    """

    def __init__(
        self,
        in_channels: Sequence[int] = (256, 512, 1024, 2048),
        out_channels: int = 256,
        dilations: Sequence[int] = (3, 6, 12, 18),
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg or dict(type='Normal', layer='Conv2d', std=0.01))
        self.stages = nn.ModuleList(
            nn.ModuleList(nn.Conv2d(c, out_channels, 3, padding=d, dilation=d) for d in dilations) for c in in_channels
        )

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Sums the convolutions of each stage."""
        return tuple(sum(conv(x) for conv in convs) for x, convs in zip(inputs, self.stages, strict=True))
