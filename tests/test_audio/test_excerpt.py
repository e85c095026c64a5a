import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmavs.audio.excerpt import loudest_start


@given(seed=st.integers(0, 2**31), length=st.integers(1, 40), channels=st.integers(1, 2), data=st.data())
def test_loudest_window_by_brute_force(seed, length, channels, data):
    count = data.draw(st.integers(1, length))
    waveform = np.random.default_rng(seed).normal(size=(channels, length)).astype(np.float32)
    windows = [waveform[:, i : i + count].astype(np.float64) for i in range(length - count + 1)]
    energies = [sum(((c - c.mean()) ** 2).sum() for c in w) for w in windows]
    start = loudest_start(waveform, count)
    assert energies[start] == pytest.approx(max(energies), rel=1e-5, abs=1e-12)


def test_constant_offset_has_no_energy():
    waveform = np.full(100, 0.001, np.float32)
    waveform[80:90:2] = 0.101
    assert loudest_start(waveform + np.float32(0.9), 10) == loudest_start(waveform, 10) == 79
    assert loudest_start(np.stack([np.full(100, 0.9, np.float32), waveform]), 10) == 79


def test_equal_windows_give_the_middle():
    assert loudest_start(np.zeros(100), 10) == 45
    assert loudest_start(np.tile([0.5, -0.5], 50), 10) == 45
