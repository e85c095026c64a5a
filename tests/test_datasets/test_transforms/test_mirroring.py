import pytest
from mmengine.registry import init_default_scope

from mmavs.datasets import AVSegDataset
from mmavs.datasets.transforms.mirroring import check_mirroring


class TwoPets(AVSegDataset):
    METAINFO = dict(classes=('background', 'cat', 'dog'))

    def load_data_list(self):
        return [dict(img_path=f'{i}.jpg', seg_map_path=None, sources=[], audio_label=(1,)) for i in range(3)]


STEREO, MONO = (dict(type='LoadAudio', channels=channels) for channels in (2, 1))


def mirroring_pipelines():
    flip = dict(type='RandomFlip', prob=0.5)
    yield [STEREO, flip], 'RandomFlip'
    yield [flip, STEREO], 'RandomFlip'
    yield [STEREO, dict(type='RandomFlip', prob=[0.2, 0.2], direction=['vertical', 'diagonal'])], 'RandomFlip'
    yield [STEREO, dict(type='RandomRotFlip')], 'RandomRotFlip'
    yield [STEREO, dict(type='RandomChoice', transforms=[[dict(type='Resize', scale=9)], [flip]])], 'RandomFlip'
    yield [STEREO, dict(type='RandomApply', transforms=[flip])], 'RandomFlip'
    keys = dict(mapping=dict(img='img'), auto_remap=True)
    yield [STEREO, dict(type='KeyMapper', transforms=[flip], **keys)], 'RandomFlip'
    views = dict(mapping=dict(img=['img', 'other_img']), auto_remap=True)
    yield [dict(type='TransformBroadcaster', transforms=[flip], **views), STEREO], 'RandomFlip'
    nested = dict(
        type='RandomChoice', transforms=[[dict(type='RandomApply', transforms=[flip])], [dict(type='Resize', scale=9)]]
    )
    yield [STEREO, dict(type='KeyMapper', transforms=[nested], **keys)], 'RandomFlip'
    yield [STEREO, dict(type='TestTimeAug', transforms=[[flip], [dict(type='PackAVSegInputs')]])], 'RandomFlip'


@pytest.mark.parametrize(('pipeline', 'name'), list(mirroring_pipelines()))
def test_transforms_that_mirror_images_only_are_refused(pipeline, name):
    init_default_scope('mmseg')
    with pytest.raises(ValueError, match=f'^{name} mirrors the image but not .* stereo audio. Use AVRandomFlip'):
        TwoPets(pipeline=pipeline)
    mono = [MONO if step is STEREO else step for step in pipeline]
    assert len(TwoPets(pipeline=mono)) == 3


def test_transforms_that_mirror_nothing_are_accepted():
    init_default_scope('mmseg')
    for step in (
        dict(type='RandomFlip', prob=0.0),
        dict(type='RandomFlip', prob=0.5, direction='vertical'),
        dict(type='RandomFlip', prob=[0.5, 0.0], direction=['vertical', 'horizontal']),
        dict(type='AVRandomFlip', prob=0.5),
        dict(type='RandomRotate', prob=0.5, degree=45),
        dict(type='RandomRotate', prob=0.0, degree=180),
    ):
        assert len(TwoPets(pipeline=[STEREO, step])) == 3
    silent = dict(type='LoadAudio', silent=True)
    assert len(TwoPets(pipeline=[silent, dict(type='RandomRotFlip')])) == 3


def test_flips_of_albumentations_are_found():
    albu = type('Albu', (), dict(transforms=[dict(type='OneOf', transforms=[dict(type='Transpose')])]))()
    load = type('LoadAudio', (), dict(channels=2, silent=False))()
    with pytest.raises(ValueError, match='Transpose mirrors the image'):
        check_mirroring([load, albu])


@pytest.mark.parametrize('degree', [46.0, (-10.0, 180.0), 90.0])
def test_rotations_that_exchange_sides_are_refused(degree):
    init_default_scope('mmseg')
    rotate = dict(type='RandomRotate', prob=0.5, degree=degree)
    with pytest.raises(
        ValueError, match=r'RandomRotate rotates the image by up to (46|180|90) degrees .*Set degree to 45'
    ):
        TwoPets(pipeline=[STEREO, rotate])
    assert len(TwoPets(pipeline=[MONO, rotate])) == 3


@pytest.mark.parametrize('load', [STEREO, MONO])
def test_mosaic_of_several_samples_is_refused(load):
    init_default_scope('mmseg')
    mosaic = dict(type='RandomMosaic', prob=0.5, img_scale=(8, 8))
    with pytest.raises(ValueError, match='RandomMosaic combines the images of several samples .* audio of one'):
        TwoPets(pipeline=[load, mosaic])
    for accepted in ([load, dict(mosaic, prob=0)], [dict(load, silent=True), mosaic], [mosaic]):
        assert len(TwoPets(pipeline=accepted)) == 3
