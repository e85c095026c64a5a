from collections.abc import Sequence

from mmseg.models import CascadeEncoderDecoder
from mmseg.models.decode_heads import PointHead
from mmseg.registry import MODELS
from torch import Tensor

from .av_encoder_decoder import AVEncoderDecoder


@MODELS.register_module()
class AVCascadeEncoderDecoder(AVEncoderDecoder, CascadeEncoderDecoder):
    """mmseg's ``CascadeEncoderDecoder`` with audio: each decode head also gets the output of the one before it.

    For OCRNet and PointRend, for example. All heads read the fused levels. As in mmseg, one output channel
    (``out_channels=1``) is not supported.

    Args:
        num_stages: Number of decode heads.
        decode_head: List of their configs.
        kwargs: Other arguments of :class:`AVEncoderDecoder`.

    Raises:
        ValueError: A head has one output channel.
    """

    def __init__(self, num_stages: int, decode_head: Sequence[dict], **kwargs) -> None:
        super().__init__(num_stages=num_stages, decode_head=list(decode_head), **kwargs)
        for i, head in enumerate(self.decode_head):
            if head.out_channels == 1:
                raise ValueError(
                    f'model.decode_head[{i}].out_channels=1 is not supported in a cascade: remove it, and take '
                    'num_classes=2 with a softmax'
                )

    def predict_by_heads(self, fused: Sequence[Tensor], batch_img_metas: list[dict]) -> Tensor:
        """Logits (B, classes, H, W) of the last head, at the size of the input."""
        output = self._forward_heads(fused, self.num_stages - 1)
        return self.decode_head[-1].predict(fused, output, batch_img_metas, self.test_cfg)

    def forward_heads(self, fused: Sequence[Tensor]) -> Tensor:
        """The output of the last head, without postprocessing.

        Raises:
            NotImplementedError: The last head is a ``PointHead``, which only refines predictions.
        """
        if isinstance(self.decode_head[-1], PointHead):
            raise NotImplementedError(
                "PointHead only refines predictions: mode='tensor' is not supported for it, as in mmseg. "
                "Use mode='predict'"
            )
        return self._forward_heads(fused, self.num_stages)

    def _forward_heads(self, fused: Sequence[Tensor], count: int) -> Tensor:
        output = self.decode_head[0](fused)
        for head in self.decode_head[1:count]:
            output = head(fused, output)
        return output
