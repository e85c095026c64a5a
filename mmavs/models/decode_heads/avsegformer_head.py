from collections.abc import Sequence

import torch.nn.functional as F
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from mmseg.utils import SampleList
from torch import Tensor, nn


@MODELS.register_module()
class AVSegFormerHead(BaseDecodeHead):
    """The classifier of AVSegFormer: the products of the queries are mapped to the channels of the mask feature.

    Args:
        in_channels: Number of channels C of the mask feature, and number of queries Q.
        in_index: Indices of the mask feature and the products.
        channels: C.
        hidden_channels: Hidden channels of the MLP on the products.
        mask_loss: Config of the auxiliary loss, which compares the mean of the mask feature over its channels with the
            foreground mask.
        kwargs: Other arguments of mmseg's ``BaseDecodeHead``. ``out_channels=1, num_classes=2, threshold=0.5`` for
            AVSBench objects.

    Shape:
        - Input: mask feature (B, C, h, w) and products (B, Q, h, w), see :class:`AVSegFormerFusion`
        - Output: logits (B, out_channels, 4 h, 4 w)
    """

    def __init__(
        self,
        in_channels: Sequence[int] = (256, 300),
        channels: int = 256,
        *,
        in_index: Sequence[int] = (0, 1),
        hidden_channels: int = 2048,
        mask_loss: dict | None = None,
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
        num_queries = in_channels[1]
        self.mlp = nn.Sequential(
            nn.Conv2d(num_queries, hidden_channels, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden_channels, hidden_channels, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden_channels, channels, 1),
        )
        self.conv1 = nn.Conv2d(channels, channels // 2, 3, padding=1)
        self.conv2 = nn.Conv2d(channels // 2, channels // 8, 3, padding=1)
        self.conv_seg = nn.Conv2d(channels // 8, self.out_channels, 1, bias=False)
        self.mask_loss = None if mask_loss is None else MODELS.build(mask_loss)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Logits at four times the size of the mask feature."""
        mask_feature, products = self._transform_inputs(inputs)
        x = self.conv1(mask_feature + self.mlp(products))
        x = F.interpolate(x, scale_factor=4, mode='bilinear', align_corners=False)
        return self.cls_seg(self.conv2(x).relu())

    def loss(self, inputs: Sequence[Tensor], batch_data_samples: SampleList, train_cfg: dict) -> dict[str, Tensor]:
        """The losses of the logits, and the auxiliary loss of the mask feature."""
        losses = super().loss(inputs, batch_data_samples, train_cfg)
        if self.mask_loss is not None:
            label = self._stack_batch_gt(batch_data_samples).squeeze(1)
            mean = self._transform_inputs(inputs)[0].mean(dim=1, keepdim=True)
            mask = F.interpolate(mean, size=label.shape[1:], mode='bilinear', align_corners=False)
            losses[self.mask_loss.loss_name] = self.mask_loss(mask, label, ignore_index=self.ignore_index)
        return losses
