"""ResNets of torchvision and timm: the matching backbones of mmseg and the names of their entries."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import torch
from mmseg.models.backbones import ResNet
from mmseg.models.backbones.resnet import Bottleneck
from torch import Tensor

from .reading import ConversionError
from .renaming import Renaming

_CLASSIFIER = {'fc': 'the classifier of ImageNet'}
PLAIN = Renaming(prefixes={}, unused=_CLASSIFIER)
DEEP = Renaming(prefixes={'conv1': 'stem', 'bn1': 'stem.7'}, unused=_CLASSIFIER)


@dataclass(frozen=True)
class Backbone:
    """A ResNet of mmseg.

    Attributes:
        depth: 18, 34, 50, 101 or 152.
        deep_stem: True if the stem has three 3x3 convolutions instead of one 7x7, as in ResNetV1c and ResNetV1d.
        avg_down: True if shortcuts have average pooling before the convolution, as in ResNetV1d.
        stem_channels: Output channels of the stem.
        base_channels: Channels of the first stage.
    """

    depth: int
    deep_stem: bool
    avg_down: bool
    stem_channels: int
    base_channels: int

    @property
    def type(self) -> str:
        """The registered name in mmseg."""
        return {(False, False): 'ResNet', (True, False): 'ResNetV1c', (True, True): 'ResNetV1d'}[
            self.deep_stem, self.avg_down
        ]

    @property
    def renaming(self) -> Renaming:
        """The names of the entries in mmseg."""
        return DEEP if self.deep_stem else PLAIN

    def build(self) -> ResNet:
        """The network of mmseg on the meta device."""
        with torch.device('meta'):
            return ResNet(**asdict(self))


def identify(state_dict: Mapping[str, Tensor]) -> Backbone:
    """Identifies the ResNet of the weights.

    Raises:
        ConversionError: mmseg has no such network; the message lists the modules in the file.
    """
    deep = 'conv1.6.weight' in state_dict
    stem = state_dict.get('conv1.6.weight' if deep else 'conv1.weight')
    first = state_dict.get('layer1.0.conv1.weight')
    if stem is None or first is None:
        parts = sorted({name.split('.')[0] for name in state_dict})
        raise ConversionError(
            f'not a ResNet of torchvision or timm: conv1 or layer1 is missing; found {", ".join(parts[:12])}'
        )
    bottleneck = 'layer1.0.conv3.weight' in state_dict
    blocks = _count_blocks(state_dict)
    depths = [
        d for d, (block, n) in ResNet.arch_settings.items() if n == blocks and (block is Bottleneck) == bottleneck
    ]
    if not depths:
        kind = 'bottleneck' if bottleneck else 'basic'
        raise ConversionError(f'mmseg has no ResNet with {blocks} {kind} blocks in its stages')
    # The pooling layer before the convolution of a shortcut has no weights and shifts the indices by one.
    avg_down = 'layer2.0.downsample.1.weight' in state_dict and state_dict['layer2.0.downsample.1.weight'].ndim == 4
    if avg_down and not deep:
        raise ConversionError('mmseg has no ResNet with average pooling in the shortcuts and a 7x7 stem')
    return Backbone(depths[0], deep, avg_down, len(stem), len(first))


def add_missing_counters(state_dict: dict[str, Tensor]) -> int:
    """Adds the ``num_batches_tracked`` that old files do not have; returns the number of added entries.

    mmseg's networks do not use it.
    """
    norms = [name.removesuffix('running_var') for name in state_dict if name.endswith('.running_var')]
    missing = [f'{norm}num_batches_tracked' for norm in norms if f'{norm}num_batches_tracked' not in state_dict]
    state_dict.update((name, torch.zeros((), dtype=torch.long)) for name in missing)
    return len(missing)


def _count_blocks(state_dict: Mapping[str, Tensor]) -> tuple[int, ...]:
    found = {m.groups() for name in state_dict if (m := re.match(r'layer(\d)\.(\d+)\.', name))}
    return tuple(sum(stage == s for s, _ in found) for stage in '1234')
