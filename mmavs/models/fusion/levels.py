"""Levels of visual features: a map, or a list of a map and other tensors, such as the class token of a ViT."""

from torch import Tensor

Level = Tensor | list[Tensor] | tuple[Tensor, ...]


def get_map(level: Level) -> Tensor:
    """The feature map (B, C, h, w) of a level."""
    return level if isinstance(level, Tensor) else level[0]


def replace_map(level: Level, feature: Tensor) -> Level:
    """The level with another map; its other tensors are kept."""
    return feature if isinstance(level, Tensor) else type(level)([feature, *level[1:]])
