from mmcv.cnn import fuse_conv_bn
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from .necks.deeplabv3plus_neck import ASPP


def fold_batch_norm(model: nn.Module) -> nn.Module:
    """Folds batch normalization into the convolutions before it: the same predictions with fewer operations.

    mmcv's ``fuse_conv_bn`` folds each norm into the convolution that is registered before it. In the ASPP of
    :class:`DeepLabV3PlusNeck` a norm follows several branches or their sum, so :meth:`ASPP.fold_norms` folds these
    norms first.

    Args:
        model: Changed in place and put into evaluation mode; it cannot be trained afterwards.

    Returns:
        nn.Module: The model.
    """
    model.eval()
    for module in model.modules():
        if isinstance(module, ASPP) and isinstance(module.norm, _BatchNorm):
            module.fold_norms()
    return fuse_conv_bn(model)
