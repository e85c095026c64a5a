import math

import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.models import SegDataPreProcessor
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from mmavs.audio import LogMelSpec
from mmavs.audio.log_mel import LogMel
from mmavs.audio.mixing import pan
from mmavs.models.data_preprocessor import AVDataPreProcessor

NORM = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True)


@pytest.mark.parametrize('clip, num_frames', [('3s_stereo', 300), ('1s_mono', 96)])
def test_golden_log_mel(golden_file, clip, num_frames):
    golden = np.load(golden_file('log_mel.npz'))
    log_mel = LogMel()(torch.tensor(golden[f'waveform_{clip}']))
    np.testing.assert_allclose(log_mel[..., :num_frames, :], golden[f'log_mel_{clip}'], rtol=0, atol=1e-4)


@pytest.mark.parametrize('channels, samples, num_frames', [(2, 48000, 300), (1, 16000, 100), (1, 16159, 100)])
def test_log_mel_shape_and_silence(channels, samples, num_frames):
    log_mel = LogMel()(torch.zeros(3, channels, samples))
    assert log_mel.shape == (3, channels, num_frames, 64) and log_mel.dtype == torch.float32
    torch.testing.assert_close(log_mel, torch.full_like(log_mel, -1))


def test_tone_has_its_maximum_in_its_band_and_channel():
    time = torch.arange(16000) / 16000
    waveform = torch.stack([torch.sin(2 * math.pi * 1000 * time), torch.zeros(16000)])[None]
    left, right = LogMel()(waveform)[0]

    def mel(hz):
        return 2595 * math.log10(1 + hz / 700)

    band = (mel(1000) - mel(125)) / (mel(3800) - mel(125)) * 65 - 1  # 64 triangles, their centers 1/65 apart
    assert abs(left.mean(dim=0).argmax().item() - band) < 1
    assert (right == right[0, 0]).all()


def test_gain_is_an_offset_in_decibels():
    # 20 * log10 of the power, so 10 times the amplitude is 40 in units of 100.
    waveform = 0.05 * torch.randn(1, 1, 16000)
    torch.testing.assert_close(
        LogMel()(10 * waveform) - LogMel()(waveform), torch.full((1, 1, 100, 64), 0.4), rtol=0, atol=1e-4
    )


def test_channels_and_samples_are_independent():
    waveform = torch.randn(2, 2, 16000)
    log_mel = LogMel()
    torch.testing.assert_close(log_mel(waveform.flip(0, 1)), log_mel(waveform).flip(0, 1))


@pytest.mark.parametrize('samples', [1, 160, 256])
def test_too_short_audio_is_refused(samples):
    assert LogMel()(torch.zeros(1, 1, 320)).shape[-2] == 2
    with pytest.raises(ValueError, match=f'more than 256 samples of audio, got {samples}: increase `duration`'):
        LogMel()(torch.zeros(1, 1, samples))


def test_log_mel_stays_float32_under_autocast():
    waveform = torch.randn(1, 2, 16000)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        log_mel = LogMel()(waveform.bfloat16().float())
    assert log_mel.dtype == torch.float32
    torch.testing.assert_close(log_mel, LogMel()(waveform.bfloat16().float()), rtol=0, atol=0)
    assert LogMel()(waveform.bfloat16()).dtype == torch.float32


def test_checkpoints_do_not_contain_the_log_mel():
    assert not LogMel().state_dict()
    assert not AVDataPreProcessor(**NORM).state_dict()


def test_other_spec():
    assert LogMel(LogMelSpec(n_mels=20, hop_length=80))(torch.zeros(1, 1, 800)).shape == (1, 1, 10, 20)


def batch(sizes, audio_shape=(2, 16000)):
    samples = []
    for size in sizes:
        sample = SegDataSample(gt_sem_seg=PixelData(data=torch.randint(4, (1, *size))))
        sample.set_metainfo(dict(img_shape=size, ori_shape=size))
        samples.append(sample)
    images = [torch.randint(256, (3, *size), dtype=torch.uint8) for size in sizes]
    return dict(inputs=dict(img=images, audio=[torch.randn(audio_shape) for _ in sizes]), data_samples=samples)


def build(**options):
    return MODELS.build(dict(type='AVDataPreProcessor', **NORM, **options))


def test_images_are_normalized_as_by_mmseg():
    data = batch([(8, 10), (8, 10)])
    expected = SegDataPreProcessor(**NORM)(dict(inputs=data['inputs']['img'], data_samples=data['data_samples']))
    result = build()(data)
    torch.testing.assert_close(result['inputs']['img'], expected['inputs'])
    bgr = data['inputs']['img'][1][:, 2, 3]
    normal = (bgr.flip(0) - torch.tensor(NORM['mean'])) / torch.tensor(NORM['std'])
    torch.testing.assert_close(result['inputs']['img'][1, :, 2, 3], normal)
    torch.testing.assert_close(result['inputs']['audio'], LogMel()(torch.stack(data['inputs']['audio'])))


def test_training_pads_with_the_mean_color_and_ignored_labels():
    data = batch([(6, 10), (8, 5)])
    result = build(size=(8, 10), pad_val=0, seg_pad_val=255)(data, training=True)
    image = result['inputs']['img']
    assert image.shape == (2, 3, 8, 10)
    assert (image[0, :, 6:] == 0).all() and (image[1, :, :, 5:] == 0).all() and (image[0, :, :6] != 0).any()
    labels = torch.stack([sample.gt_sem_seg.data[0] for sample in result['data_samples']])
    assert (labels[0, 6:] == 255).all() and (labels[1, :, 5:] == 255).all() and (labels[1, :, :5] < 4).all()


def test_data_samples_are_optional():
    data = batch([(8, 10)])
    result = build()(dict(inputs=data['inputs']))
    assert result['inputs']['img'].shape == (1, 3, 8, 10) and result['data_samples'] is None


@pytest.mark.parametrize('size, padded', [((3, 50), (32, 50)), ((1, 1), (32, 32)), ((33, 40), (33, 40))])
@pytest.mark.parametrize('given', [True, False], ids=['samples', 'no samples'])
def test_least_size_at_test(size, padded, given):
    data = batch([size, size])
    plain = build()(data)['inputs']['img']
    if not given:
        del data['data_samples']
    result = build(test_cfg=dict(size=(32, 32)))(data)
    image = result['inputs']['img']
    assert image.shape == (2, 3, *padded) and torch.equal(image[..., : size[0], : size[1]], plain)
    for sample in result['data_samples']:
        assert sample.ori_shape == sample.img_shape == size and sample.pad_shape == padded
        assert sample.img_padding_size == (0, padded[1] - size[1], 0, padded[0] - size[0])


def test_input_data_are_not_changed():
    data = batch([(8, 10)])
    before = data['inputs']['img'][0].clone()
    build()(data)
    assert isinstance(data['inputs']['audio'], list) and torch.equal(data['inputs']['img'][0], before)


@pytest.mark.parametrize('inputs', [[torch.zeros(3, 8, 8)], dict(img=[torch.zeros(3, 8, 8)])])
def test_inputs_without_audio_are_refused(inputs):
    with pytest.raises(TypeError, match='PackAVSegInputs'):
        build()(dict(inputs=inputs))


@pytest.mark.parametrize(
    'training, options, remedy',
    [(True, dict(size=(8, 10)), 'RandomCrop'), (False, {}, 'batch_size=1'), (False, dict(test_cfg={}), 'batch_size=1')],
)
def test_images_that_differ_in_size_are_refused_with_the_remedy(training, options, remedy):
    """As after RandomRotFlip."""
    with pytest.raises(ValueError, match=rf'differ in size .*\[\(8, 10\), \(10, 10\)\]; .*{remedy}'):
        build(**options)(batch([(8, 10), (10, 10)]), training)


@pytest.mark.parametrize('options', [dict(size=(10, 12)), dict(size_divisor=4)])
def test_images_that_padding_makes_equal_are_accepted(options):
    assert len(build(**options)(batch([(8, 10), (10, 8)]), training=True)['inputs']['img']) == 2


def test_differing_waveforms_are_named():
    data = batch([(8, 10), (8, 10)])
    data['inputs']['audio'][1] = torch.zeros(1, 16000)
    with pytest.raises(ValueError, match=r'\[\(1, 16000\), \(2, 16000\)\]'):
        build()(data)


@pytest.mark.parametrize('num_frames', [None, 100])
def test_spectrograms_have_one_frame_per_hop(num_frames):
    assert build(num_frames=num_frames)(batch([(8, 10)]))['inputs']['audio'].shape == (1, 2, 100, 64)


@pytest.mark.parametrize('num_frames', [32, 96, 300])
def test_num_frames_that_disagrees_with_duration_is_refused(num_frames):
    """A regression test: `duration=5.0` with `num_frames=300` trained on the first 3 s."""
    message = rf'data_preprocessor.num_frames={num_frames} does not match `duration` of LoadAudio: 80000 samples, 5 s'
    with pytest.raises(ValueError, match=message):
        build(num_frames=num_frames)(batch([(8, 10)], audio_shape=(2, 80000)))


def test_configs_of_the_first_version_on_one_second_keep_their_input():
    data = batch([(8, 10)])
    with pytest.warns(FutureWarning, match='num_frames=96 with 1 s'):
        former = build(num_frames=96)(data)['inputs']['audio']
    torch.testing.assert_close(former, build()(data)['inputs']['audio'][..., :96, :], rtol=0, atol=0)


@pytest.mark.parametrize('alpha', [0.2, 0.5, 0.7])
def test_level_difference_is_that_of_the_panning(alpha):
    """Levels (1 - alpha) and alpha differ by 20 log10 of the ratio of powers, 40 log10((1 - alpha) / alpha) dB."""
    audio = pan(0.3 * torch.randn(16000, generator=torch.Generator().manual_seed(0)), alpha)
    data = dict(inputs=dict(img=[torch.zeros(3, 8, 8, dtype=torch.uint8)], audio=[audio]))
    plain, found = (build(level_difference=on)(data)['inputs']['audio'] for on in (False, True))
    assert found.shape == (1, 3, 100, 64) and torch.equal(found[:, :2], plain)
    loud = (plain > -0.8).all(dim=1)[0]  # cells far above the floor
    assert loud.float().mean() > 0.9
    expected = 40 * math.log10((1 - alpha) / alpha) / LogMelSpec().scale
    torch.testing.assert_close(found[0, 2][loud], torch.full_like(found[0, 2][loud], expected), rtol=0, atol=1e-4)


def test_level_difference_of_mono_audio_is_refused():
    data = dict(inputs=dict(img=[torch.zeros(3, 8, 8, dtype=torch.uint8)], audio=[torch.zeros(1, 16000)]))
    with pytest.raises(ValueError, match='level_difference=True needs stereo audio, but it has 1 channels'):
        build(level_difference=True)(data)


@pytest.mark.parametrize('training', [True, False])
def test_sample_rate_that_disagrees_with_the_spectrogram_is_refused(training):
    data = batch([(8, 10), (8, 10)])
    data['data_samples'][1].set_metainfo(dict(sample_rate=16000))
    assert build(size=(8, 10))(data, training)['inputs']['audio'].shape[-2] == 100
    data['data_samples'][1].set_metainfo(dict(sample_rate=22050))
    with pytest.raises(
        ValueError, match='sample_rate=22050 of LoadAudio does not match model.data_preprocessor.* 16000'
    ):
        build(size=(8, 10))(data, training)
