import pytest
import torch

from mmavs.audio import SAMPLE_RATE, LogMelSpec, seconds_to_samples


@pytest.mark.parametrize(
    ('seconds', 'rate', 'samples'),
    [
        (3, SAMPLE_RATE, 48000),
        (1, SAMPLE_RATE, 16000),
        (0.5, 22255, 11128),  # 11127.5 rounds up
        (0.1, 44, 4),  # 4.4 rounds down
        (1e-9, SAMPLE_RATE, 1),  # never empty
    ],
)
def test_seconds_to_samples(seconds, rate, samples):
    assert seconds_to_samples(seconds, rate) == samples


@pytest.mark.parametrize('num_samples', [400, 15999, 16000, 48000])
def test_a_centered_transform_gives_one_frame_more(num_samples):
    spec = LogMelSpec()
    frames = torch.stft(
        torch.zeros(num_samples),
        spec.n_fft,
        spec.hop_length,
        spec.win_length,
        torch.hann_window(spec.win_length),
        return_complex=True,
    ).shape[-1]
    assert spec.num_frames(num_samples) == frames - 1


def test_spec_of_the_paper():
    """Parameters of the released checkpoints. Their audio networks take 300 frames of 3 s, and 96 of the 100 of 1 s."""
    spec = LogMelSpec()
    assert (spec.sample_rate, spec.n_fft, spec.win_length, spec.hop_length) == (16000, 512, 400, 160)
    assert (spec.n_mels, spec.f_min, spec.f_max) == (64, 125, 3800)
    assert spec.num_frames(3 * spec.sample_rate) == 300
    assert spec.num_frames(1 * spec.sample_rate) == 100
