from .tpavi_head import TPAVIHead

__all__ = ['TPAVIHead']
