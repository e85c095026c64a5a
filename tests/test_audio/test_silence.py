import numpy as np
import pytest
import torch

from mmavs.audio.silence import is_silent

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
