from .visual_poly_lr import VisualPolyLR

__all__ = [
    'VisualPolyLR',
]
