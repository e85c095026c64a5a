from mmcv.cnn import fuse_conv_bn
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from .necks.deeplabv3plus_neck import ASPP


def fold_batch_norm(model: nn.Module) -> nn.Module:
    """Folds batch normalisation into the convolutions before it: the same predictions with fewer operations.

    mmcv's ``fuse_conv_bn`` takes each norm that is registered after a convolution for its norm. In the ASPP of
    :class:`DeepLabV3PlusNeck` one reads several branches and one their sum, so these are folded first, by its own
    method.

    Args:
        model: Changed in place and put into evaluation mode; it can't be trained afterwards.

    Returns:
        nn.Module: The model.
    """
    model.eval()
    for module in model.modules():
        if isinstance(module, ASPP) and isinstance(module.norm, _BatchNorm):
            module.fold_norms()
    return fuse_conv_bn(model)
