from collections.abc import Sequence

import torch.nn.functional as F
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from mmseg.utils import SampleList
from torch import Tensor, nn

from ..fusion.levels import Level, get_map


class ResidualUnit(nn.Module):
    """``r + conv(relu(conv(r)))`` with ``r = relu(x)``.

    The skip connection starts after the ReLU, since the reference applies its ReLU in place.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, C, h, w)."""
        x = x.relu()
        return x + self.conv2(self.conv1(x).relu())


@MODELS.register_module()
class TPAVIHead(BaseDecodeHead):
    """The decoder of TPAVI: features are merged from the coarsest stage to the finest by residual units.

    Args:
        in_channels: Channels of each stage, all ``channels``.
        in_index: Indices of the stages, from the finest to the coarsest; each is twice as large as the next.
        channels: Width of the decoder.
        matching_loss: Config of :class:`AVMatchingLoss`, which needs ``keep_audio=True`` of :class:`TPAVIFusion`.
        kwargs: Other arguments of mmseg's ``BaseDecodeHead``. ``out_channels=1, num_classes=2, threshold=0.5`` for
            AVSBench objects.

    Shape:
        - Input: levels (B, channels, h_i, w_i), or lists of a map and its audio (B, channels)
        - Output: logits (B, out_channels, 4 h_0, 4 w_0)

    Raises:
        ValueError: A stage does not have ``channels`` channels.
    """

    def __init__(
        self,
        in_channels: Sequence[int] = (256, 256, 256, 256),
        channels: int = 256,
        *,
        in_index: Sequence[int] = (0, 1, 2, 3),
        matching_loss: dict | None = None,
        dropout_ratio: float = 0.0,
        **kwargs,
    ) -> None:
        super().__init__(
            in_channels=list(in_channels),
            channels=channels,
            in_index=list(in_index),
            input_transform='multiple_select',
            dropout_ratio=dropout_ratio,
            **kwargs,
        )
        if any(c != channels for c in in_channels):
            raise ValueError(f'TPAVIHead: in_channels {list(in_channels)} must all be channels={channels}')
        self.lateral_units = nn.ModuleList(ResidualUnit(channels) for _ in in_channels[:-1])
        self.units = nn.ModuleList(ResidualUnit(channels) for _ in in_channels)
        self.conv1 = nn.Conv2d(channels, channels // 2, 3, padding=1)
        self.conv2 = nn.Conv2d(channels // 2, channels // 8, 3, padding=1)
        self.conv_seg = nn.Conv2d(channels // 8, self.out_channels, 1)
        self.matching_loss = None if matching_loss is None else MODELS.build(matching_loss)

    def forward(self, inputs: Sequence[Level]) -> Tensor:
        """Logits at four times the size of the finest stage."""
        *stages, x = [get_map(level) for level in self._transform_inputs(inputs)]
        x = self.units[-1](x)
        for stage, lateral, unit in zip(
            reversed(stages), reversed(self.lateral_units), reversed(self.units[:-1]), strict=True
        ):
            x = _resize(x, stage.shape[2:], align_corners=True)
            x = unit(x + lateral(stage))
        height, width = x.shape[2:]
        x = self.conv1(_resize(x, (2 * height, 2 * width), align_corners=True))
        x = self.conv2(_resize(x, (4 * height, 4 * width), align_corners=False)).relu()
        return self.cls_seg(x)

    def loss(self, inputs: Sequence[Level], batch_data_samples: SampleList, train_cfg: dict) -> dict[str, Tensor]:
        """The losses of the logits, and the matching loss of the stages."""
        logits = self.forward(inputs)
        losses = self.loss_by_feat(logits, batch_data_samples)
        if self.matching_loss is not None:
            label = self._stack_batch_gt(batch_data_samples)
            annotated = (label != self.ignore_index).flatten(1).any(dim=1)
            losses[self.matching_loss.loss_name] = self.matching_loss(logits, self._stages(inputs), annotated)
        return losses

    def _stages(self, inputs: Sequence[Level]) -> list[tuple[Tensor, Tensor]]:
        """Features after the first ReLU, the input of the reference's matching loss, and audio of each stage."""
        levels = self._transform_inputs(inputs)
        if any(isinstance(level, Tensor) for level in levels):
            raise ValueError(
                'model.decode_head.matching_loss needs levels with their audio: set keep_audio=True of '
                'TPAVIFusion, or remove matching_loss'
            )
        return [(feature.relu(), audio) for feature, audio in levels]


def _resize(x: Tensor, size: Sequence[int], *, align_corners: bool) -> Tensor:
    return F.interpolate(x, size=tuple(size), mode='bilinear', align_corners=align_corners)
