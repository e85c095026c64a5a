import numpy as np
import pytest
import soundfile
import torch
from mmcv.transforms import Compose

from mmavs.audio.audio_file import AudioFileError
from mmavs.audio.reading import read_clip, read_recording
from mmavs.datasets.transforms import LoadAudio


@pytest.fixture
def sources(tmp_path):
    """A rising and a smaller falling ramp of half a second, left and right of the middle."""
    ramp = np.linspace(-0.5, 0.5, 8000, dtype=np.float32)
    found = []
    for k, (wave, position) in enumerate(((ramp, 0.25), (0.5 * ramp[::-1], 0.75))):
        soundfile.write(tmp_path / f'{k}.wav', wave, 16000, subtype='FLOAT')
        found.append(dict(audio_path=str(tmp_path / f'{k}.wav'), position=position, label=k))
    return found


@pytest.mark.parametrize(('duration', 'rate', 'samples'), [(3.0, 16000, 48000), (0.25, 16000, 4000), (1, 8000, 8000)])
@pytest.mark.parametrize('channels', [1, 2])
def test_shape(sources, duration, rate, samples, channels):
    results = LoadAudio(duration=duration, channels=channels, sample_rate=rate)(dict(sources=sources))
    audio = results['audio']
    assert results['sample_rate'] == rate
    assert audio.shape == (channels, samples)
    assert audio.dtype == torch.float32
    assert audio.abs().max() > 0.1


def test_stereo_mix_by_hand(sources):
    rising, falling = (read_clip(s['audio_path'], num_samples=8000) for s in sources)
    audio = LoadAudio(duration=0.5)(dict(sources=sources))['audio']
    torch.testing.assert_close(audio[0], 0.75 * rising + 0.25 * falling)
    torch.testing.assert_close(audio[1], 0.25 * rising + 0.75 * falling)


def test_mono_mix_by_hand(sources):
    audio = LoadAudio(duration=0.5, channels=1)(dict(sources=sources[:1]))['audio']
    torch.testing.assert_close(audio[0], torch.linspace(-0.5, 0.5, 8000))


def test_mono_mix_is_twice_the_mean_of_the_stereo_channels(sources):
    """At all positions: VGGish on VPO takes mono audio."""
    mono, stereo = (LoadAudio(duration=0.5, channels=n)(dict(sources=sources))['audio'] for n in (1, 2))
    torch.testing.assert_close(mono[0], 2 * stereo.mean(dim=0))


def test_other_keys_are_unchanged(sources):
    results = LoadAudio()(dict(sources=sources, img_path='a.jpg'))
    assert results['sources'] is sources
    assert results['img_path'] == 'a.jpg'


def test_no_sources():
    assert torch.equal(LoadAudio(duration=1)(dict(sources=[]))['audio'], torch.zeros(2, 16000))


def test_silent_reads_no_file():
    results = dict(sources=[dict(audio_path='nowhere.wav', position=0.5)])
    assert torch.equal(LoadAudio(silent=True, channels=1)(results)['audio'], torch.zeros(1, 48000))
    with pytest.raises(FileNotFoundError, match='nowhere.wav'):
        LoadAudio()(results)


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(channels=3), r'channels must be 1 \(mono\) or 2 \(stereo\), got 3'),
        (dict(channels=0), 'channels must be'),
        (dict(duration=0), 'duration must be positive, got 0'),
        (dict(duration=-1.0), 'duration must be positive'),
        (dict(sample_rate=0), 'sample_rate must be positive, got 0'),
    ],
)
def test_bad_arguments(kwargs, message):
    with pytest.raises(ValueError, match=f'LoadAudio: {message}'):
        LoadAudio(**kwargs)


def test_built_by_name_and_repr():
    (transform,) = Compose([dict(type='mmseg.LoadAudio', duration=1.0, channels=1, silent=True)]).transforms
    assert repr(transform) == (
        "LoadAudio(duration=1.0, channels=1, sample_rate=16000, silent=True, missing='error', "
        "excerpt='middle', keep_channels=False)"
    )


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(missing='repeat'), "missing must be one of error, silence, got 'repeat'"),
        (dict(excerpt='start'), "excerpt must be one of middle, loudest, got 'start'"),
        (dict(keep_channels=True, channels=1), 'keep_channels=True needs channels=2'),
    ],
)
def test_bad_choices(kwargs, message):
    with pytest.raises(ValueError, match=f'LoadAudio: {message}'):
        LoadAudio(**kwargs)


@pytest.mark.parametrize('rate', [8000, 16000, 44100])
@pytest.mark.parametrize('start', [0.0, 1.0, 2.0])
def test_a_source_with_a_start_gives_its_own_seconds(tmp_path, rate, start):
    """Against resampling of the complete file."""
    soundfile.write(tmp_path / 'a.wav', np.random.uniform(-0.5, 0.5, 3 * rate), rate, subtype='FLOAT')
    whole = read_recording(str(tmp_path / 'a.wav'))
    source = dict(audio_path=str(tmp_path / 'a.wav'), position=0.5, start=start)
    audio = LoadAudio(duration=1.0, channels=1)(dict(sources=[source]))['audio'][0]
    first = round(16000 * start)
    torch.testing.assert_close(audio, whole[first : first + 16000], atol=1e-6, rtol=0)


@pytest.mark.parametrize('seconds', [2.5, 2.9])
def test_small_missing_part_of_a_second_is_silence(tmp_path, seconds):
    soundfile.write(tmp_path / 'a.wav', np.full(round(16000 * seconds), 0.5), 16000, subtype='FLOAT')
    source = dict(audio_path=str(tmp_path / 'a.wav'), position=0.5, start=2.0)
    audio = LoadAudio(duration=1.0, channels=1)(dict(sources=[source]))['audio'][0]
    there = round(16000 * (seconds - 2))
    assert torch.equal(audio[:there], torch.full((there,), 0.5)) and not audio[there:].any()


@pytest.mark.parametrize(('seconds', 'left'), [(2.4, 0.4), (2.0, 0.0), (0.5, 0.0)])
def test_second_that_is_mostly_missing(tmp_path, seconds, left):
    soundfile.write(tmp_path / 'a.wav', np.full(round(16000 * seconds), 0.5), 16000, subtype='FLOAT')
    results = dict(sources=[dict(audio_path=str(tmp_path / 'a.wav'), position=0.5, start=2.0)])
    with pytest.raises(
        AudioFileError, match=rf"a\.wav has {seconds:.3f} s, but the sample needs seconds 2 to 3.*missing='silence'"
    ):
        LoadAudio(duration=1.0, channels=1)(results)
    audio = LoadAudio(duration=1.0, channels=1, missing='silence')(results)['audio'][0]
    assert audio.shape == (16000,) and audio.count_nonzero() == round(16000 * left)


@pytest.mark.parametrize('position', [1.5, -0.1, float('nan'), None, '0.5'])
@pytest.mark.parametrize('kwargs', [dict(channels=2), dict(channels=1), dict(silent=True)])
def test_bad_position_names_image_recording_and_key(sources, position, kwargs):
    sources[1]['position'] = position
    with pytest.raises(
        ValueError, match=rf'`position` of .*1\.wav in the sources of a\.jpg must be .*, got {position!r}: correct it'
    ):
        LoadAudio(**kwargs)(dict(sources=sources, img_path='a.jpg'))


def test_source_without_a_position(sources):
    del sources[0]['position']
    with pytest.raises(ValueError, match=r'`position` of .*0\.wav .* got None'):
        LoadAudio()(dict(sources=sources))


@pytest.mark.parametrize(('sources', 'image'), [({}, 'the sample'), (dict(img_path='a.jpg'), 'a.jpg')])
def test_sample_without_sources(sources, image):
    with pytest.raises(ValueError, match=rf'{image} has no `sources`.*dict\(audio_path=.*inference_model'):
        LoadAudio()(sources)


def write_stereo(path, rate=16000, seconds=0.5, channels=2):
    wave = np.random.uniform(-0.5, 0.5, (round(rate * seconds), channels)).astype(np.float32)
    soundfile.write(path, wave, rate, subtype='FLOAT')
    return torch.from_numpy(wave.T.copy())


def test_keep_channels_keeps_the_stereo_recording(tmp_path):
    """A signal only in the right channel stays on the right for any position."""
    wave = write_stereo(tmp_path / 'a.wav')
    wave[0] = 0
    soundfile.write(tmp_path / 'a.wav', wave.T.numpy(), 16000, subtype='FLOAT')
    for source in (dict(position=0), {}):
        source['audio_path'] = str(tmp_path / 'a.wav')
        audio = LoadAudio(duration=0.5, keep_channels=True)(dict(sources=[source]))['audio']
        assert torch.equal(audio, wave)


@pytest.mark.parametrize('rate', [8000, 44100])
@pytest.mark.parametrize('start', [None, 0.2])
def test_keep_channels_resamples_each_channel(tmp_path, rate, start):
    wave = write_stereo(tmp_path / 'a.wav', rate)
    source = dict(audio_path=str(tmp_path / 'a.wav'), start=start)
    audio = LoadAudio(duration=0.25, keep_channels=True)(dict(sources=[source]))['audio']
    for k in range(2):
        soundfile.write(tmp_path / 'b.wav', wave[k].numpy(), rate, subtype='FLOAT')
        channel = read_clip(str(tmp_path / 'b.wav'), num_samples=4000, start=start)
        torch.testing.assert_close(audio[k], channel, atol=1e-6, rtol=0)


def test_keep_channels_pans_a_mono_recording(sources):
    rising, falling = (read_clip(s['audio_path'], num_samples=8000) for s in sources)
    del sources[1]['position']
    audio = LoadAudio(duration=0.5, keep_channels=True)(dict(sources=sources))['audio']
    torch.testing.assert_close(audio[0], 0.75 * rising + 0.5 * falling)
    torch.testing.assert_close(audio[1], 0.25 * rising + 0.5 * falling)


def test_keep_channels_refuses_surround(tmp_path):
    write_stereo(tmp_path / 'a.wav', channels=6)
    results = dict(sources=[dict(audio_path=str(tmp_path / 'a.wav'), position=0.5)])
    with pytest.raises(AudioFileError, match=r'has 6 channels: .*a\.wav.*-ac 2.*keep_channels=False'):
        LoadAudio(keep_channels=True)(results)
    assert LoadAudio()(results)['audio'].shape == (2, 48000)


def test_keep_channels_of_a_recording_that_ends_early(tmp_path):
    write_stereo(tmp_path / 'a.wav')
    source = dict(audio_path=str(tmp_path / 'a.wav'), start=0.75)
    load = LoadAudio(duration=0.25, keep_channels=True, missing='silence')
    assert torch.equal(load(dict(sources=[source]))['audio'], torch.zeros(2, 4000))


@pytest.mark.parametrize('channels', [1, 2])
def test_loudest_excerpt(tmp_path, channels):
    """The recording is silent but for one second near its end."""
    wave = np.full((16000 * 8, channels), 0.1, np.float32)
    wave[16000 * 6 : 16000 * 7] += np.random.choice([-0.5, 0.5], (16000, 1))
    soundfile.write(tmp_path / 'a.wav', wave, 16000, subtype='FLOAT')
    results = dict(sources=[dict(audio_path=str(tmp_path / 'a.wav'), position=1)])
    middle, loudest = (LoadAudio(duration=1.0, excerpt=e)(results)['audio'][1] for e in ('middle', 'loudest'))
    assert middle.std() < 1e-6
    torch.testing.assert_close(loudest, torch.from_numpy(wave[16000 * 6 : 16000 * 7].mean(1)))
