from types import SimpleNamespace

import pytest
from mmengine.dataset import ConcatDataset
from mmengine.registry import init_default_scope
from mmseg.datasets import MultiImageMixDataset
from torch import nn

from mmavs.datasets import AVSegDataset
from mmavs.engine import PipelineHook
from mmavs.models.fusion import CrossAttentionFusion

STEREO = dict(type='LoadAudio')
AV_CROP, CROP, CENTER_CROP = (dict(type=t, crop_size=(8, 8)) for t in ('AVRandomCrop', 'RandomCrop', 'CenterCrop'))
FLIP = dict(type='RandomFlip', prob=0.5)


class Pets(AVSegDataset):
    METAINFO = dict(classes=('background', 'cat'))

    def load_data_list(self):
        return [dict(img_path='a.jpg', seg_map_path=None, sources=[], audio_label=(1,))]


def check(dataset, stage='train', **fusion):
    loader = SimpleNamespace(dataset=dataset)
    model = nn.ModuleDict(dict(fusion=CrossAttentionFusion(8, audio_channels=8, hidden_channels=8, **fusion)))
    getattr(PipelineHook(), f'before_{stage}')(SimpleNamespace(model=model, **{f'{stage}_dataloader': loader}))


def pets(*pipeline):
    init_default_scope('mmseg')
    return Pets(pipeline=list(pipeline))


@pytest.mark.parametrize('stage', ['train', 'val'])
def test_mirroring_in_the_pipeline_of_a_wrapper_is_refused(stage):
    inner = ConcatDataset([pets(STEREO), pets()])
    message = rf'^{stage}_dataloader.dataset: RandomFlip mirrors the image .* Use AVRandomFlip'
    with pytest.raises(ValueError, match=message):
        check(MultiImageMixDataset(inner, [FLIP]), stage)
    with pytest.raises(ValueError, match='RandomMosaic combines the images of several samples'):
        check(MultiImageMixDataset(inner, [dict(type='RandomMosaic', prob=1.0, img_scale=(8, 8))]), stage)
    check(MultiImageMixDataset(inner, [dict(FLIP, type='AVRandomFlip')]), stage)
    check(MultiImageMixDataset(ConcatDataset([pets(dict(STEREO, channels=1))]), [FLIP]), stage)


IMAGE = dict(position_encoding=True, coordinates='image')


@pytest.mark.parametrize(('crop', 'stage'), [(CROP, 'train'), (CENTER_CROP, 'test')])
def test_crops_without_their_place_are_refused_with_coordinates_of_the_image(crop, stage):
    message = rf"^{stage}_.*model.fusion.coordinates='image' .* which {crop['type']} does not record: use AVRandomCrop"
    for dataset in (
        pets(STEREO, crop),
        pets(dict(type='RandomChoice', transforms=[[AV_CROP], [crop]])),
        MultiImageMixDataset(ConcatDataset([pets(STEREO)]), [crop]),
    ):
        with pytest.raises(ValueError, match=message):
            check(dataset, stage, **IMAGE)
        check(dataset, stage)
        check(dataset, stage, coordinates='image')  # without a position encoding
        check(dataset, stage, position_encoding=True)
    check(pets(STEREO, AV_CROP), stage, **IMAGE)


def test_place_of_the_crop_must_be_packed():
    pack = dict(type='PackAVSegInputs', meta_keys=['img_shape', 'audio_label'])
    with pytest.raises(ValueError, match="add 'crop_window' to meta_keys of PackAVSegInputs"):
        check(pets(STEREO, AV_CROP, pack), **IMAGE)
    check(pets(STEREO, pack), **IMAGE)
    check(pets(STEREO, AV_CROP, dict(type='PackAVSegInputs')), **IMAGE)
