"""The released CAVP networks: identification, configs, and new names of the entries."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from .reading import ConversionError
from .renaming import Renaming

RENAMING = Renaming(
    prefixes={
        'backbone.backbone': 'backbone',
        'backbone.backbone.conv1': 'backbone.stem',
        'backbone.backbone.bn1': 'backbone.stem.7',
        'segment.aspp.map_convs': 'neck.aspp.branches',
        'segment.aspp.map_bn': 'neck.aspp.branch_norm',
        'segment.aspp.red_conv': 'neck.aspp.reduce',
        'segment.aspp.global_pooling_conv': 'neck.aspp.pool_conv',
        'segment.aspp.global_pooling_bn': 'neck.aspp.pool_norm',
        'segment.aspp.pool_red_conv': 'neck.aspp.pool_reduce',
        'segment.aspp.red_bn': 'neck.aspp.norm',
        'segment.reduce.0': 'neck.low_level.conv',
        'segment.reduce.1': 'neck.low_level.bn',
        'segment.upsample.last_conv.0': 'decode_head.convs.0.conv',
        'segment.upsample.last_conv.1': 'decode_head.convs.0.bn',
        'segment.upsample.last_conv.3': 'decode_head.convs.1.conv',
        'segment.upsample.last_conv.4': 'decode_head.convs.1.bn',
        'segment.upsample.classifier': 'decode_head.conv_seg',
        'visual_projector.fc1': 'fusion.projectors.0.0',
        'visual_projector.fc2': 'fusion.projectors.0.2',
        'cross_att.patch_embed_v.proj': 'fusion.attentions.0.visual_embed',
        'cross_att.patch_embed_a.proj': 'fusion.attentions.0.audio_embed',
        'cross_att.blocks.0.norm1': 'fusion.attentions.0.norm1',
        'cross_att.blocks.0.attn.q': 'fusion.attentions.0.query',
        'cross_att.blocks.0.attn.k': 'fusion.attentions.0.key',
        'cross_att.blocks.0.attn.v': 'fusion.attentions.0.value',
        'cross_att.blocks.0.attn.proj': 'fusion.attentions.0.proj',
        'cross_att.blocks.0.norm2': 'fusion.attentions.0.norm2',
        'cross_att.blocks.0.mlp.fc1': 'fusion.attentions.0.mlp.0',
        'cross_att.blocks.0.mlp.fc2': 'fusion.attentions.0.mlp.2',
        'cross_att.norm': 'fusion.attentions.0.norm',
        'audio_backbone.backbone': 'audio_backbone.resnet',
        'audio_backbone.backbone.fc': 'audio_backbone.fc',
        'audio_backbone.backbone.features': 'audio_backbone.features',
        'audio_backbone.backbone.embeddings': 'audio_backbone.embeddings',
    },
    unused={
        'cross_att.pos_embed_v': 'position embeddings, which the network does not use',
        'cross_att.pos_embed_a': 'position embeddings, which the network does not use',
        'audio_backbone.cls_head': 'classification head of the audio network, which the network does not use',
    },
)

# (audio network, its input channels, classes) -> name of the data, and configs with ResNet-50. All configs of an entry
# have the same network; the first is the default.
_VPO = 'cavp_r50-d8_2xb8-80e_vpo-{}-512x512'
_OBJECT, _SEMANTIC = 'cavp_r50-d16_1xb16-60e_avsbench-{}', 'cavp_r50-d16_1xb16-80e_avss-{}'
_CONFIGS = {
    ('ResNet', 2, 22): ('vpo-msmi', [_VPO.format(s) for s in ('msmi', 'ms', 'ss')]),
    ('ResNet', 1, 22): ('vpo-msmi-mono', [_VPO.format(s) for s in ('msmi-mono', 'ms-mono', 'ss-mono')]),
    ('VGG', 1, 71): ('avss', [_SEMANTIC.format(s) for s in ('512x512', '224x224')]),
    ('VGG', 1, 2): (
        'avsbench-s4',
        [_OBJECT.format(s) for s in ('s4-512x512', 'ms3-512x512', 's4-224x224', 'ms3-224x224')],
    ),
}
_DEPTHS = {(3, 4, 6, 3): 50, (3, 4, 23, 3): 101}
_STEM_CHANNELS = 128


@dataclass(frozen=True)
class Network:
    """The properties of a network, from the names and shapes of its weights.

    Attributes:
        blocks: Number of residual blocks of each stage of the visual backbone.
        stem_channels: Output channels of the deep stem; None if there is no deep stem.
        audio: ``'ResNet'``, ``'VGG'``, or None if it is neither.
        audio_channels: Input channels of the audio network: 2 for stereo, 1 for mono.
        num_classes: Number of classes.
    """

    blocks: tuple[int, ...]
    stem_channels: int | None
    audio: str | None
    audio_channels: int
    num_classes: int

    def __str__(self) -> str:
        depth = _DEPTHS.get(self.blocks)
        backbone = f'ResNet-{depth}' if depth else f'a ResNet with {self.blocks} blocks'
        stem = f'a deep stem of {self.stem_channels} channels' if self.stem_channels else 'no deep stem'
        channels = {1: 'mono', 2: 'stereo'}.get(self.audio_channels, f'{self.audio_channels}-channel')
        audio = f'{channels} {self.audio} audio network' if self.audio else 'no known audio network'
        return f'{backbone} with {stem}, {audio}, {self.num_classes} classes'

    @property
    def name(self) -> str:
        """Name for files, for example ``'cavp_r50-released_vpo-msmi'``."""
        return f'cavp_r{self.depth}-released_{self._data[0]}'

    @property
    def depth(self) -> int:
        """50 or 101."""
        self._data  # noqa: B018  (checks the network)
        return _DEPTHS[self.blocks]

    @property
    def base_configs(self) -> list[str]:
        """Names of the configs in ``configs/cavp`` with this network except for the backbone, the default first."""
        return self._data[1]

    @property
    def backbone(self) -> dict:
        """The settings that differ in the backbone of those configs: depth, stem, and no ImageNet weights."""
        return dict(depth=self.depth, stem_channels=self.stem_channels, init_cfg=None)

    @property
    def _data(self) -> tuple[str, list[str]]:
        """Data and configs of this network.

        Raises:
            ConversionError: The network is not a released one.
        """
        found = _CONFIGS.get((self.audio, self.audio_channels, self.num_classes))
        if self.blocks not in _DEPTHS or found is None or self.stem_channels != _STEM_CHANNELS:
            known = '; '.join(
                f'{number} classes with a {"stereo" if channels == 2 else "mono"} {audio} audio network'
                for audio, channels, number in _CONFIGS
            )
            raise ConversionError(
                f'found {self}, which is not a released network. These have ResNet-50 or 101 with a deep stem of '
                f'{_STEM_CHANNELS} channels and {known}. For a network that you trained yourself, write a config that '
                'describes it and pass it with --config'
            )
        return found


def identify(state_dict: Mapping[str, Tensor]) -> Network:
    """Identifies the network of the weights.

    Raises:
        ConversionError: The weights are not those of a CAVP network; the message lists the modules in the file.
    """
    classifier = state_dict.get('segment.upsample.classifier.weight')
    missing = [
        part
        for part in ('backbone.backbone', 'segment.aspp', 'cross_att', 'audio_backbone')
        if not any(name.startswith(f'{part}.') for name in state_dict)
    ]
    if missing or classifier is None:
        parts = sorted({'.'.join(name.split('.')[:2]) for name in state_dict})
        missing += ['segment.upsample.classifier'] if classifier is None else []
        raise ConversionError(
            f'not weights of CAVP: {", ".join(missing)} missing; found {len(state_dict)} entries below '
            f'{", ".join(parts[:12])}{", ..." if len(parts) > 12 else ""}'
        )
    stem = state_dict.get('backbone.backbone.conv1.6.weight')
    audio, channels = _identify_audio(state_dict)
    return Network(_count_blocks(state_dict), None if stem is None else len(stem), audio, channels, len(classifier))


def _identify_audio(state_dict: Mapping[str, Tensor]) -> tuple[str | None, int]:
    for audio, name in (('ResNet', 'conv1'), ('VGG', 'features.0')):
        weight = state_dict.get(f'audio_backbone.backbone.{name}.weight')
        if weight is not None:
            return audio, weight.shape[1]
    return None, 0


def _count_blocks(state_dict: Mapping[str, Tensor]) -> tuple[int, ...]:
    found = {m.groups() for name in state_dict if (m := re.match(r'backbone\.backbone\.layer(\d)\.(\d+)\.', name))}
    return tuple(sum(stage == s for s, _ in found) for stage in '1234')
