import numpy as np
import pytest
import torch

from mmavs.audio.silence import Deviation, is_silent

STEP = 2**-15
ALTERNATING = np.array([1.0, -1.0] * 8, np.float32)


@pytest.mark.parametrize('convert', [np.asarray, torch.from_numpy])
@pytest.mark.parametrize(
    ('waveform', 'silent'),
    [
        (np.zeros(16, np.float32), True),
        (np.zeros((2, 0), np.float32), True),
        (np.full(16, 0.25, np.float32), True),
        (0.25 + 0.99 * STEP * ALTERNATING, True),
        (0.25 + 1.01 * STEP * ALTERNATING, False),
        (np.array([[0.25] * 16, [-0.5] * 16], np.float32), True),  # the offsets of the channels differ
        (np.stack([np.zeros(16), STEP * ALTERNATING]), False),
        (STEP * ALTERNATING, False),
    ],
)
def test_silence_is_the_peak_without_the_mean(convert, waveform, silent):
    assert is_silent(convert(waveform)) is silent


def test_deviation_of_blocks_is_that_of_the_signal():
    signal = np.random.default_rng(0).normal(0.4, 0.1, (1000, 2)).astype(np.float32)
    deviation = Deviation()
    assert deviation.peak == 0
    for block in np.split(signal, [7, 7, 500]):
        deviation.add(block)
    mono = signal.mean(1)
    assert deviation.peak == pytest.approx(np.abs(mono - mono.mean()).max(), rel=1e-5)
