"""Building blocks of synthetic audio: pitch curves, harmonic tones, noise bands, and sequences of events."""

import numpy as np


def glide(count, *values):
    """A smooth curve through equally spaced values, ``count`` samples."""
    x = np.linspace(0, 1, len(values))
    dense = np.interp(np.linspace(0, 1, 64), x, values)
    dense = np.convolve(np.pad(dense, 4, mode='edge'), np.hanning(11)[1:-1] / np.hanning(11).sum(), mode='valid')
    return np.interp(np.linspace(0, 1, count), np.linspace(0, 1, len(dense)), dense)


def envelope(count, rate, attack, release):
    """Fades in and out over ``attack`` and ``release`` seconds."""
    t = np.arange(count) / rate
    return np.clip(t / attack, 0, 1) * np.clip((t[-1] - t) / release, 0, 1)


def tone(pitch, rate, formants, tilt=0.8):
    """Harmonics of a pitch curve.

    Args:
        pitch (np.ndarray): Pitch of each sample in Hz.
        rate (int): Sample rate in Hz.
        formants (list[tuple]): Center, width (Hz) and strength of the resonances.
        tilt (float): Exponent of the decay of the harmonics.
    """
    turn = np.exp(2j * np.pi * np.cumsum(pitch) / rate)
    wave, harmonic = np.zeros(len(pitch)), np.ones(len(pitch), complex)
    top = min(4000, max(f + 4 * w for f, w, _ in formants))
    for k in range(1, int(top / pitch.max()) + 1):
        frequency = k * pitch.mean()
        gain = 0.03 + sum(s * np.exp(-0.5 * ((frequency - f) / w) ** 2) for f, w, s in formants)
        harmonic *= turn
        wave += gain * k**-tilt * harmonic.imag
    return wave


def hiss(rng, count, rate, low, high):
    """Noise between two frequencies in Hz, root mean square 1."""
    frequency = np.fft.rfftfreq(count, 1 / rate)
    slopes = (1 + (low / np.maximum(frequency, 1e-3)) ** 6) * (1 + (frequency / high) ** 6)  # 18 dB per octave
    wave = np.fft.irfft(np.fft.rfft(rng.standard_normal(count)) / np.sqrt(slopes), count)
    return wave / np.sqrt(np.mean(wave**2))


def repeat(rng, seconds, rate, event, gap):
    """A sequence of events with gaps of ``gap`` (minimum, maximum) seconds between them."""
    count, parts = int(seconds * rate), [np.zeros(0)]
    skip = int(rng.uniform(0, 0.3) * rate)  # so that not every recording begins with an event
    while sum(map(len, parts)) < count + skip:
        parts += [event(rng, rate), np.zeros(int(rng.uniform(*gap) * rate))]
    return np.concatenate(parts)[skip : skip + count]
