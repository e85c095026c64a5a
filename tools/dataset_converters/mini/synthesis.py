"""Synthesizes the recordings of the mini set.

Each class has several kinds of audio. A kind is a function ``(rng, seconds, rate) -> waveform``. In a log-mel
spectrogram from 125 to 3800 Hz, the classes differ in pitch, shape or rhythm, even if several are added. Within a kind,
pitch, rhythm, timbre and level vary.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .waves import envelope, glide, hiss, repeat, tone

SECONDS = 4
LEVEL = 0.08  # root mean square of a recording, full scale 1
LEVEL_SPREAD = 2.0  # dB, in both directions


@dataclass(frozen=True)
class Kind:
    """One kind of audio: its VGGSound label, its name in file names, and the function that synthesizes it."""

    label: str
    name: str
    synthesize: Callable


def _propeller(rng, seconds, rate):
    count = int(seconds * rate)
    t = np.arange(count) / rate
    beat = 0.2 + 1.6 * (rng.uniform(18, 26) * t % 1)
    return hiss(rng, count, rate, rng.uniform(400, 600), rng.uniform(1700, 2300)) * beat


def _jet(rng, seconds, rate):
    """Broadband noise with a slowly changing spectrum, and the tone of a turbine."""
    count = int(seconds * rate)
    low = hiss(rng, count, rate, 300, 1400)
    high = hiss(rng, count, rate, 1200, 3600)
    share = glide(count, *rng.uniform(0.15, 0.85, 4))
    pitch = glide(count, *(rng.uniform(2300, 3100) * np.linspace(1.04, rng.uniform(0.85, 0.95), 4)))
    whine = np.sin(2 * np.pi * np.cumsum(pitch) / rate)
    return low * share + high * (1 - share) + rng.uniform(0.3, 0.6) * whine


def _chirps(rng, seconds, rate):
    top, length = rng.uniform(2900, 3600), rng.uniform(0.07, 0.11)

    def event(rng, rate):
        count = int(length * rng.uniform(0.9, 1.2) * rate)
        pitch = glide(count, top * rng.uniform(0.65, 0.75), top * rng.uniform(0.96, 1), top * rng.uniform(0.7, 0.85))
        return np.sin(2 * np.pi * np.cumsum(pitch) / rate) * np.hanning(count)

    return repeat(rng, seconds, rate, event, (0.03, 0.12))


def _warble(rng, seconds, rate):
    count = int(seconds * rate)
    t = np.arange(count) / rate
    center = glide(count, *rng.uniform(2600, 3100, 8))
    pitch = center + rng.uniform(250, 400) * np.sin(2 * np.pi * rng.uniform(13, 19) * t)
    return np.sin(2 * np.pi * np.cumsum(pitch) / rate) * (0.8 + 0.2 * np.sin(2 * np.pi * rng.uniform(1, 2) * t))


def _whistles(rng, seconds, rate):
    def event(rng, rate):
        count = int(rng.uniform(0.25, 0.45) * rate)
        pitch = glide(count, *rng.uniform(2100, 3400, 2))
        return np.sin(2 * np.pi * np.cumsum(pitch) / rate) * envelope(count, rate, 0.03, 0.06)

    return repeat(rng, seconds, rate, event, (0.03, 0.1))


def _diesel(rng, seconds, rate, pitch, knock):
    count = int(seconds * rate)
    t = np.arange(count) / rate
    hum = tone(glide(count, *pitch), rate, [(160, 90, 1.0), (330, 80, 0.6)], tilt=0.3)
    return hum * (1 + 0.6 * np.sin(2 * np.pi * knock * t)) + 0.05 * hiss(rng, count, rate, 130, 500)


def _bus_idles(rng, seconds, rate):
    return _diesel(rng, seconds, rate, rng.uniform(34, 44) * rng.uniform(0.98, 1.02, 5), rng.uniform(7, 11))


def _bus_drives(rng, seconds, rate):
    return _diesel(
        rng, seconds, rate, rng.uniform(58, 68) * np.linspace(1, rng.uniform(1.1, 1.35), 3), rng.uniform(14, 18)
    )


def _horn(rng, length, gap, seconds, rate):
    low = rng.uniform(390, 440)
    high = low * rng.uniform(1.2, 1.27)

    def event(rng, rate):
        count = int(length * rng.uniform(0.9, 1.1) * rate)
        tones = [tone(np.full(count, f), rate, [(900, 900, 1.0), (2300, 700, 0.8)], tilt=0.3) for f in (low, high)]
        return sum(tones) * envelope(count, rate, 0.01, 0.03)

    return repeat(rng, seconds, rate, event, gap)


def _short_horn(rng, seconds, rate):
    return _horn(rng, rng.uniform(0.14, 0.2), (0.08, 0.13), seconds, rate)


def _long_horn(rng, seconds, rate):
    return _horn(rng, rng.uniform(0.8, 1.2), (0.12, 0.2), seconds, rate)


def _race(rng, seconds, rate):
    """An engine whose speed rises in every gear."""
    bottom, length = rng.uniform(190, 240), rng.uniform(0.7, 1.0)

    def event(rng, rate):
        count = int(length * rng.uniform(0.9, 1.1) * rate)
        pitch = bottom * np.linspace(1, rng.uniform(1.9, 2.2), count)
        return tone(pitch, rate, [(1000, 700, 1.0), (2600, 700, 0.7)], tilt=0.2) * envelope(count, rate, 0.02, 0.02)

    return repeat(rng, seconds, rate, event, (0.0, 0.02))


def _meow(rng, rate, length, pitches):
    count = int(length * rate)
    mouth = rng.uniform(1300, 1700)
    wave = tone(glide(count, *pitches), rate, [(mouth, 450, 1.0), (700, 200, 0.5)], tilt=0.2)
    return wave * envelope(count, rate, 0.06, 0.12)


def _meows(rng, seconds, rate):
    base = rng.uniform(520, 640)
    arch = base * np.array([0.75, 1.25, 1.2, 0.7])
    return repeat(
        rng,
        seconds,
        rate,
        lambda rng, rate: _meow(rng, rate, rng.uniform(0.45, 0.7), arch * rng.uniform(0.95, 1.05)),
        (0.05, 0.2),
    )


def _caterwaul(rng, seconds, rate):
    base = rng.uniform(560, 680)
    return repeat(
        rng,
        seconds,
        rate,
        lambda rng, rate: _meow(rng, rate, rng.uniform(1.3, 1.8), base * rng.uniform(0.75, 1.3, 9)),
        (0.02, 0.1),
    )


def _moo(rng, seconds, rate, pitch, length):
    pitch = rng.uniform(*pitch)

    def event(rng, rate):
        count = int(rng.uniform(*length) * rate)
        curve = glide(count, *(pitch * rng.uniform(0.97, 1.03) * np.array([0.85, 1, 1.03, 1, 0.8])))
        return tone(curve, rate, [(420, 160, 1.0), (820, 150, 0.5)], tilt=0.1) * envelope(count, rate, 0.15, 0.2)

    return repeat(rng, seconds, rate, event, (0.05, 0.25))


def _cow_moos(rng, seconds, rate):
    return _moo(rng, seconds, rate, (130, 160), (1.0, 1.5))


def _calf_moos(rng, seconds, rate):
    return _moo(rng, seconds, rate, (210, 250), (0.6, 0.9))


def _bark(rng, rate, center, length):
    count = int(length * rate)
    decay = np.exp(-np.arange(count) / (0.3 * count)) * envelope(count, rate, 0.004, 0.02)
    voice = tone(glide(count, 1.15 * center / 4, center / 5), rate, [(center, 0.5 * center, 1.0)], tilt=0.0)
    return decay * (2 * voice + hiss(rng, count, rate, 0.5 * center, 3.2 * center))


def _big_dog(rng, seconds, rate):
    center = rng.uniform(560, 680)
    return repeat(rng, seconds, rate, lambda rng, rate: _bark(rng, rate, center, rng.uniform(0.16, 0.22)), (0.12, 0.25))


def _small_dog(rng, seconds, rate):
    center = rng.uniform(1000, 1250)
    return repeat(rng, seconds, rate, lambda rng, rate: _bark(rng, rate, center, rng.uniform(0.09, 0.12)), (0.08, 0.14))


def _bow_wow(rng, seconds, rate):
    center = rng.uniform(720, 880)

    def event(rng, rate):
        return np.concatenate([_bark(rng, rate, center, 0.11), _bark(rng, rate, 0.75 * center, 0.22)])

    return repeat(rng, seconds, rate, event, (0.15, 0.3))


def _bray(rng, rate, length, pitches, roughness):
    """Harmonics with fast amplitude modulation."""
    count = int(length * rate)
    t = np.arange(count) / rate
    wave = tone(glide(count, *pitches), rate, [(1800, 500, 1.0), (3000, 400, 0.6)], tilt=0.0)
    return wave * (1 + 0.9 * np.sign(np.sin(2 * np.pi * roughness * t))) * envelope(count, rate, 0.02, 0.04)


def _zebra_brays(rng, seconds, rate):
    base, roughness = rng.uniform(820, 950), rng.uniform(22, 28)
    return repeat(
        rng,
        seconds,
        rate,
        lambda rng, rate: _bray(
            rng, rate, rng.uniform(0.35, 0.5), base * np.array([1.25, 1, 0.8]) * rng.uniform(0.95, 1.05), roughness
        ),
        (0.03, 0.1),
    )


def _zebra_sobs(rng, seconds, rate):
    base, roughness = rng.uniform(820, 950), rng.uniform(28, 34)

    def event(rng, rate):
        up = _bray(rng, rate, 0.16, base * np.array([0.9, 1.35]), roughness)
        return np.concatenate([up, _bray(rng, rate, rng.uniform(0.22, 0.3), base * np.array([1.2, 0.85]), roughness)])

    return repeat(rng, seconds, rate, event, (0.05, 0.12))


KINDS = {
    'airplane': (Kind('airplane', 'propeller', _propeller), Kind('airplane flyby', 'jet', _jet)),
    'bird': (
        Kind('bird chirping, tweeting', 'chirps', _chirps),
        Kind('warbler chirping', 'warble', _warble),
        Kind('canary calling', 'whistles', _whistles),
    ),
    'bus': (Kind('driving buses', 'idles', _bus_idles), Kind('driving buses', 'drives', _bus_drives)),
    'car': (
        Kind('vehicle horn, car horn, honking', 'short', _short_horn),
        Kind('vehicle horn, car horn, honking', 'long', _long_horn),
        Kind('race car, auto racing', 'race', _race),
    ),
    'cat': (Kind('cat meowing', 'meows', _meows), Kind('cat caterwauling', 'wails', _caterwaul)),
    'cow': (Kind('cattle mooing', 'cow', _cow_moos), Kind('cow lowing', 'calf', _calf_moos)),
    'dog': (
        Kind('dog barking', 'big', _big_dog),
        Kind('dog barking', 'small', _small_dog),
        Kind('dog bow-wow', 'bowwow', _bow_wow),
    ),
    'zebra': (Kind('zebra braying', 'brays', _zebra_brays), Kind('zebra braying', 'sobs', _zebra_sobs)),
}


def synthesize(kind, rate, seed, seconds=SECONDS):
    """Synthesizes one recording.

    Args:
        kind (Kind): The kind of audio.
        rate (int): Sample rate in Hz.
        seed (int | sequence): Seed of all random choices.
        seconds (int): Length.

    Returns:
        np.ndarray: (seconds * rate,), float64 in [-1, 1]; levels differ by up to ``LEVEL_SPREAD`` dB.
    """
    rng = np.random.default_rng(seed)
    wave = kind.synthesize(rng, seconds, rate)
    wave = wave / np.sqrt(np.mean(wave**2))
    wave += 10 ** (rng.uniform(-26, -16) / 20) * hiss(rng, len(wave), rate, 60, 6000)
    level = LEVEL * 10 ** (rng.uniform(-LEVEL_SPREAD, LEVEL_SPREAD) / 20)
    wave *= level / np.sqrt(np.mean(wave**2))
    return np.tanh(wave)  # keeps the peaks of barks within full scale
