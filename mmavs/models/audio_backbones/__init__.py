from .resnet import AudioResNet
from .vggish import VGGish

__all__ = ['AudioResNet', 'VGGish']
