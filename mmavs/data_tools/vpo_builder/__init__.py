"""Builds VPO (Sec. 3 of the CAVP paper) from COCO annotations and VGGSound recordings."""

from .build import build_vpo

__all__ = ['build_vpo']
