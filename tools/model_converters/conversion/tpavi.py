"""The released TPAVI networks of AVSBench: identification, and new names of the entries."""

from collections.abc import Mapping

from torch import Tensor

from .baselines import Method
from .renaming import Renaming

_STAGES = range(4)

_SECOND_BRANCH = 'a second branch of the backbone, whose output is not used'

RENAMING = Renaming(
    prefixes={
        'resnet': 'backbone',
        **{f'resnet.layer{i}_1': f'backbone.layer{i}' for i in (3, 4)},
        'encoder_backbone': 'backbone',
        **{f'conv{i + 1}.conv2d_list': f'neck.stages.{i}' for i in _STAGES},
        **{
            f'tpavi_b{i + 1}.{old}': f'fusion.blocks.{i}.{new}'
            for i in _STAGES
            for old, new in {
                'align_channel': 'align_audio',
                'theta': 'theta',
                'phi': 'phi',
                'g': 'g',
                'W_z.0': 'out_conv',
                'W_z.1': 'out_norm',
                'norm_layer': 'norm',
            }.items()
        },
        **{f'path{i + 1}.resConfUnit1': f'decode_head.lateral_units.{i}' for i in _STAGES},
        **{f'path{i + 1}.resConfUnit2': f'decode_head.units.{i}' for i in _STAGES},
        'output_conv.0': 'decode_head.conv1',
        'output_conv.2': 'decode_head.conv2',
        'output_conv.4': 'decode_head.conv_seg',
    },
    unused={
        'encoder_backbone.head': 'the classifier of ImageNet',
        'resnet.layer3_2': _SECOND_BRANCH,
        'resnet.layer4_2': _SECOND_BRANCH,
        'resnet.fc': 'the classifier of ImageNet',
        'path4.resConfUnit1': 'a unit of the coarsest stage, which has no coarser stage to merge',
    },
)


def rename(state_dict: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Renames a state dict, see :meth:`Renaming.apply`, and reshapes its weights for this project.

    The 1 x 1 x 1 convolutions of the audio-visual blocks become 1 x 1 convolutions, and that of the audio a linear
    layer: frames are samples of the batch here.
    """
    renamed, dropped = RENAMING.apply(state_dict)
    for name, value in renamed.items():
        if name.startswith('fusion.blocks.') and value.ndim == 5:
            renamed[name] = value[:, :, 0, 0, 0] if name.endswith('.phi.weight') else value[..., 0]
    return renamed, dropped


METHOD = Method(
    name='TPAVI',
    renaming=RENAMING,
    rename=rename,
    backbones=('resnet', 'encoder_backbone'),
    classifier='output_conv.4.weight',
    configs={
        ('r50', 1): ('tpavi/tpavi_r50_1xb20-15e_avsbench-s4-224x224', 'tpavi/tpavi_r50_1xb20-30e_avsbench-ms3-224x224'),
        ('r50', 71): ('tpavi/tpavi_r50_1xb40-60e_avss-224x224',),
        ('pvtv2-b5', 1): ('tpavi/tpavi_pvtv2-b5_1xb20-15e_avsbench-s4-224x224',),
        ('pvtv2-b5', 71): ('tpavi/tpavi_pvtv2-b5_1xb40-60e_avss-224x224',),
    },
)
