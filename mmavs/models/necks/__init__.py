from .deeplabv3plus_neck import DeepLabV3PlusNeck
from .tpavi_neck import TPAVINeck

__all__ = ['DeepLabV3PlusNeck', 'TPAVINeck']
