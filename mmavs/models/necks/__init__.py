from .deeplabv3plus_neck import DeepLabV3PlusNeck

__all__ = ['DeepLabV3PlusNeck']
