"""Properties of the mix for any sources and positions."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from mmavs.audio.mixing import mix_sources, pan
from mmavs.audio.reading import fit_length

SAMPLES = 8
waves = st_numpy.arrays('float32', SAMPLES, elements=st.floats(-1, 1, width=32)).map(torch.from_numpy)
positions = st.floats(0, 1)
sources = st.lists(st.tuples(waves, positions), min_size=1, max_size=5)


def mix(some, channels=2):
    return mix_sources([w for w, _ in some], [p for _, p in some], channels=channels)


def close(a, b):
    torch.testing.assert_close(a, b, atol=1e-5, rtol=0)


@settings(max_examples=40)
@given(waves, positions)
def test_pan_divides_the_wave_and_mirrors(wave, position):
    left, right = pan(wave, position)
    close(left + right, wave)
    close(left * position, right * (1 - position))
    close(pan(wave, 1 - position), torch.stack([right, left]))


@settings(max_examples=40)
@given(sources)
def test_mix_equals_a_sum_written_out(some):
    truth = [[0.0] * SAMPLES, [0.0] * SAMPLES]
    for wave, position in some:
        for i, value in enumerate(wave.tolist()):
            truth[0][i] += value * (1 - position)
            truth[1][i] += value * position
    close(mix(some), torch.tensor(truth))
    close(mix(some, channels=1), torch.tensor(truth).sum(0, keepdim=True))


@settings(max_examples=40)
@given(sources, sources)
def test_mixes_add_up_in_any_order(some, more):
    close(mix(some + more), mix(some) + mix(more))
    close(mix(more[::-1] + some), mix(some + more))
    close(mix([(w, 1 - p) for w, p in some]), mix(some).flip(0))


@settings(max_examples=40)
@given(st.integers(1, 30), st.integers(1, 30))
def test_fit_length_is_the_middle_or_repeats(length, wanted):
    wave = torch.arange(length)
    out = fit_length(wave, wanted).tolist()
    assert len(out) == wanted
    if length < wanted:
        assert out == [i % length for i in range(wanted)]
    else:
        left, right = out[0], length - 1 - out[-1]
        assert out == list(range(left, left + wanted)) and right - left in (0, 1)
