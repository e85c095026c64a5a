import math

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchaudio.transforms import Resample

from mmavs.audio import reading as audio_io
from mmavs.audio.audio_file import AudioFileError
from mmavs.audio.mixing import mix_sources, pan
from mmavs.audio.reading import fit_length, read_clip

RATES = (8000, 11025, 16000, 22050, 22255, 32000, 44100, 48000, 96000)
NUM_SAMPLES = 4000  # a quarter of a second


def resample(waveform, rate, new_rate=16000):
    """The complete recording at once; ``torchaudio.functional.resample`` rounds its kernel differently."""
    return Resample(rate, new_rate)(waveform)


def write(path, *, rate, seconds, channels=1):
    frames = np.random.uniform(-0.9, 0.9, (round(rate * seconds), channels)).astype(np.float32)
    soundfile.write(path, frames, rate, subtype='FLOAT')
    return torch.from_numpy(frames.mean(axis=1))


@pytest.fixture
def reads(monkeypatch):
    """The number of frames of each read."""
    counts = []

    def counting(f, *, start, count):
        counts.append(count)
        return read_frames(f, start=start, count=count)

    read_frames = audio_io.read_frames
    monkeypatch.setattr(audio_io, 'read_frames', counting)
    return counts


@pytest.mark.parametrize(('rate', 'channels'), [(rate, 2) for rate in RATES] + [(16000, 1), (44100, 1), (48000, 6)])
def test_read_clip_is_the_middle_of_the_resampled_file(tmp_path, rate, channels):
    whole = write(tmp_path / 'a.wav', rate=rate, seconds=1.37, channels=channels)
    clip = read_clip(str(tmp_path / 'a.wav'), num_samples=NUM_SAMPLES)
    truth = resample(whole, rate)
    start = (len(truth) - NUM_SAMPLES) // 2
    assert clip.dtype == torch.float32
    torch.testing.assert_close(clip, truth[start : start + NUM_SAMPLES], atol=1e-6, rtol=0)


@settings(deadline=None, max_examples=25)
@given(rate=st.sampled_from([8000, 11025, 16000, 48000]), frames=st.integers(1, 6000), num_samples=st.integers(1, 3000))
def test_read_clip_at_any_length(tmp_path_factory, rate, frames, num_samples):
    """For any position of the clip in the file, and for files that are too short."""
    path = tmp_path_factory.mktemp('clip') / 'a.wav'
    whole = write(path, rate=rate, seconds=frames / rate)
    clip = read_clip(str(path), num_samples=num_samples)
    truth = resample(whole, rate)
    start = max(0, len(truth) - num_samples) // 2
    truth = truth.repeat(math.ceil(num_samples / len(truth)))[start : start + num_samples]
    torch.testing.assert_close(clip, truth, atol=1e-6, rtol=0)


@pytest.mark.parametrize('rate', RATES)
def test_read_clip_reads_only_the_needed_samples(tmp_path, reads, rate):
    write(tmp_path / 'a.wav', rate=rate, seconds=8)
    read_clip(str(tmp_path / 'a.wav'), num_samples=16000)
    # One second, and around it the reach of the filter: blocks of rate / gcd frames.
    assert sum(reads) <= rate + 8 * max(rate // math.gcd(rate, 16000), 12)


@pytest.mark.parametrize('rate', [16000, 44100])
def test_short_recording_is_repeated_from_its_start(tmp_path, rate):
    whole = resample(write(tmp_path / 'a.wav', rate=rate, seconds=0.1), rate)
    clip = read_clip(str(tmp_path / 'a.wav'), num_samples=NUM_SAMPLES)
    length = len(whole)
    assert length == 1600
    for start in range(0, NUM_SAMPLES, length):
        part = clip[start : start + length]
        torch.testing.assert_close(part, whole[: len(part)], atol=1e-6, rtol=0)


def test_other_target_rate(tmp_path):
    whole = write(tmp_path / 'a.wav', rate=16000, seconds=1)
    clip = read_clip(str(tmp_path / 'a.wav'), num_samples=4000, sample_rate=8000)
    torch.testing.assert_close(clip, resample(whole, 16000, 8000)[2000:6000], atol=1e-6, rtol=0)


def test_rate_that_would_need_a_huge_kernel(tmp_path):
    write(tmp_path / 'a.wav', rate=44101, seconds=0.1)
    with pytest.raises(AudioFileError, match=r'a\.wav has 44101 Hz.*-ar 16000'):
        read_clip(str(tmp_path / 'a.wav'), num_samples=NUM_SAMPLES)


def test_read_clip_of_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match='gone.wav'):
        read_clip(str(tmp_path / 'gone.wav'), num_samples=1)


@pytest.mark.parametrize(
    ('length', 'wanted', 'truth'),
    [
        (5, 5, [0, 1, 2, 3, 4]),
        (5, 3, [1, 2, 3]),
        (6, 3, [1, 2, 3]),
        (5, 1, [2]),
        (3, 7, [0, 1, 2, 0, 1, 2, 0]),
        (1, 3, [0, 0, 0]),
        (3, 6, [0, 1, 2, 0, 1, 2]),
    ],
)
def test_fit_length(length, wanted, truth):
    assert fit_length(torch.arange(length), wanted).tolist() == truth
    assert fit_length(torch.arange(length).expand(2, 3, length), wanted)[1, 2].tolist() == truth


@pytest.mark.parametrize(('position', 'left', 'right'), [(0, 1, 0), (1, 0, 1), (0.5, 0.5, 0.5), (0.25, 0.75, 0.25)])
def test_pan_gains(position, left, right):
    wave = torch.tensor([1.0, -2.0, 4.0])
    assert torch.equal(pan(wave, position), torch.stack([left * wave, right * wave]))


@pytest.mark.parametrize('position', [-0.01, 1.01, float('nan'), float('inf')])
def test_position_out_of_range(position):
    with pytest.raises(ValueError, match=r'must lie in \[0, 1\], got'):
        pan(torch.zeros(3), position)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5), st.integers(0, 2**31))
def test_channels_of_a_mix(positions, seed):
    waves = list(torch.randn(len(positions), 16, generator=torch.Generator().manual_seed(seed)))
    stereo = mix_sources(waves, positions)
    mono = mix_sources(waves, positions, channels=1)
    assert stereo.shape == (2, 16)
    assert mono.shape == (1, 16)
    torch.testing.assert_close(stereo.sum(0), mono[0], atol=1e-5, rtol=0)
    mirrored = mix_sources(waves, [1 - p for p in positions])
    torch.testing.assert_close(mirrored, stereo.flip(0), atol=1e-6, rtol=0)


def test_mix_does_not_change_the_sources():
    wave = torch.ones(4)
    for channels in (1, 2):
        mix_sources([wave], [0.5], channels=channels).zero_()
    assert torch.equal(wave, torch.ones(4))


@pytest.mark.parametrize(('waves', 'positions'), [([], []), ([torch.zeros(2)], []), ([torch.zeros(2)], [0.1, 0.2])])
def test_mix_needs_a_position_for_each_source(waves, positions):
    with pytest.raises(ValueError, match=f'got {len(positions)} and {len(waves)}'):
        mix_sources(waves, positions)


@pytest.mark.parametrize('flip', [False, True])
def test_golden_stereo_mix(golden_file, flip):
    golden = np.load(golden_file('stereo_mix.npz'))
    sources = [torch.from_numpy(golden[f'source_{k}'][0]) for k in range(len(golden['position']))]
    mix = mix_sources([fit_length(s, 48000) for s in sources], golden['position'].tolist())
    expected = torch.from_numpy(golden['mix_flipped' if flip else 'mix'])
    torch.testing.assert_close(mix.flip(0) if flip else mix, expected, atol=1e-6, rtol=0)


def test_golden_stereo_mix_from_files(golden_file, tmp_path):
    golden = np.load(golden_file('stereo_mix.npz'))
    clips = []
    for k in range(len(golden['position'])):
        path = tmp_path / f'{k}.wav'
        soundfile.write(path, golden[f'source_{k}'][0], 16000, subtype='FLOAT')
        clips.append(read_clip(str(path), num_samples=48000))
    mix = mix_sources(clips, golden['position'].tolist())
    torch.testing.assert_close(mix, torch.from_numpy(golden['mix']), atol=1e-6, rtol=0)
