"""The released AVSegFormer networks: the new names of their entries."""

from collections.abc import Mapping

from torch import Tensor

from .baselines import Method
from .renaming import Renaming

_LAYERS = range(6)
_LEVELS = range(4)
_SECOND_BRANCH = 'a second branch of the backbone, whose output is not used'
_GENERATOR = {'ffn.0': 'ffns.0.layers.0.0', 'ffn.2': 'ffns.0.layers.1'}
_TRANSFORMER = {'linear1': 'ffns.0.layers.0.0', 'linear2': 'ffns.0.layers.1'}
_NORMS = {f'norm{i + 1}': f'norms.{i}' for i in range(3)}
_ENCODER = {'self_attn': 'attentions.0', **_TRANSFORMER, **_NORMS}
_DECODER = {'self_attn': 'attentions.0.attn', 'cross_attn': 'attentions.1.attn', **_NORMS}


def _layers(old: str, new: str, parts: Mapping[str, str]) -> dict[str, str]:
    return {f'{old}.layers.{i}.{a}': f'{new}.layers.{i}.{b}' for i in _LAYERS for a, b in parts.items()}


RENAMING = Renaming(
    prefixes={
        'backbone': 'backbone',
        **{f'backbone.layer{i}_1': f'backbone.layer{i}' for i in (3, 4)},
        'audio_proj': 'fusion.audio_proj',
        **{f'head.in_proj.{i}.0': f'fusion.in_projs.{i}.conv' for i in _LEVELS},
        **{f'head.in_proj.{i}.1': f'fusion.in_projs.{i}.gn' for i in _LEVELS},
        'head.level_embed': 'fusion.encoder.level_embed',
        **_layers('head.transformer.encoder', 'fusion.encoder', _ENCODER),
        'head.query_generator.query': 'fusion.audio_queries',
        **_layers('head.query_generator', 'fusion.query_generator', {**_DECODER, **_GENERATOR}),
        'head.learnable_query': 'fusion.queries',
        **_layers('head.transformer.decoder', 'fusion.decoder', {**_DECODER, **_TRANSFORMER}),
        'head.lateral_conv.0': 'fusion.lateral_conv.conv',
        'head.lateral_conv.1': 'fusion.lateral_conv.gn',
        'head.out_conv.0': 'fusion.out_conv.conv',
        'head.out_conv.1': 'fusion.out_conv.gn',
        'head.fusion_block.q_proj': 'fusion.mixer.query',
        'head.fusion_block.kv_proj': 'fusion.mixer.key_value',
        'head.fusion_block.proj': 'fusion.mixer.proj',
        **{f'head.mlp.layers.{i}': f'decode_head.mlp.{2 * i}' for i in range(3)},
        'head.fc.0': 'decode_head.conv1',
        'head.fc.2': 'decode_head.conv2',
        'head.fc.4': 'decode_head.conv_seg',
    },
    unused={
        'backbone.head': 'the classifier of ImageNet',
        'backbone.layer3_2': _SECOND_BRANCH,
        'backbone.layer4_2': _SECOND_BRANCH,
        'backbone.fc': 'the classifier of ImageNet',
        'head.fpn': 'a feature pyramid, which is not used',
        'head.attn_fc': 'a classifier, which is not used',
    },
)


def rename(state_dict: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Renames a state dict, see :meth:`Renaming.apply`."""
    return RENAMING.apply(state_dict)


METHOD = Method(
    name='AVSegFormer',
    renaming=RENAMING,
    rename=rename,
    backbones=('backbone',),
    classifier='head.fc.4.weight',
    configs={
        ('r50', 1): (
            'avsegformer/avsegformer_r50_1xb10-30e_avsbench-s4-224x224',
            'avsegformer/avsegformer_r50_1xb10-60e_avsbench-ms3-224x224',
        ),
        ('r50', 71): ('avsegformer/avsegformer_r50_1xb40-30e_avss-224x224',),
        ('pvtv2-b5', 1): ('avsegformer/avsegformer_pvtv2-b5_1xb10-30e_avsbench-s4-224x224',),
        ('pvtv2-b5', 71): ('avsegformer/avsegformer_pvtv2-b5_1xb40-30e_avss-224x224',),
    },
)
