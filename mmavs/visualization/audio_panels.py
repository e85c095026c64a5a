"""Waveforms and log-mel spectrograms as pictures."""

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mmavs.audio.log_mel import LogMel
from mmavs.audio.spec import LogMelSpec

_DPI = 100
_FREQUENCIES = (250, 500, 1000, 2000, 3500)  # tick marks of a spectrogram, in Hz
_COLOR = '#0072b2'


def draw_audio(audio: np.ndarray, *, width: int, height: int, spec: LogMelSpec | None = None) -> np.ndarray:
    """Draws the waveform and the log-mel spectrogram of each channel, the left channel above the right.

    Args:
        audio: (channels, samples), full scale in [-1, 1], at ``spec.sample_rate``.
        width: Width of the picture in pixels.
        height: Height of the picture in pixels.
        spec: Parameters of the spectrogram.

    Returns:
        np.ndarray: RGB, uint8, (height, width, 3).
    """
    spec = spec or LogMelSpec()
    audio = np.asarray(audio, np.float32)
    log_mel = LogMel(spec)(torch.from_numpy(audio)[None])[0].numpy()  # (channels, frames, mels)
    figure = new_figure(width, height)
    axes = figure.subplots(len(audio), 2, squeeze=False, sharex='col')
    names = ('left', 'right') if len(audio) == 2 else ('mono',) * len(audio)
    largest = max(float(np.abs(audio).max()), 1e-3)
    for name, (wave, mel), samples, spectrum in zip(names, axes, audio, log_mel, strict=True):
        _draw_waveform(wave, samples, spec.sample_rate, largest)
        wave.set_title(f'waveform, {name}', loc='left')
        _draw_spectrum(mel, spectrum, len(samples) / spec.sample_rate, spec, top=float(log_mel.max()))
        mel.set_title(f'log-mel, {name}', loc='left')
    for axis in axes[-1]:
        axis.set_xlabel('seconds')
    return render(figure)


def _draw_waveform(axis: Axes, samples: np.ndarray, rate: int, largest: float) -> None:
    """Draws the range of the samples in each of 800 parts, so that peaks are visible."""
    parts = np.array_split(samples, min(800, len(samples)))
    time = np.linspace(0, len(samples) / rate, len(parts))
    axis.fill_between(time, [p.min() for p in parts], [p.max() for p in parts], color=_COLOR, linewidth=0.8)
    axis.set_xlim(0, len(samples) / rate)
    axis.set_ylim(-1.05 * largest, 1.05 * largest)
    axis.grid(alpha=0.3)


def _draw_spectrum(axis: Axes, spectrum: np.ndarray, seconds: float, spec: LogMelSpec, *, top: float) -> None:
    extent = (0, seconds, -0.5, spec.n_mels - 0.5)
    axis.imshow(spectrum.T, origin='lower', aspect='auto', extent=extent, cmap='magma', vmin=-1, vmax=max(top, -0.99))
    axis.set_yticks([mel_band(hertz, spec) for hertz in _FREQUENCIES], [f'{hertz} Hz' for hertz in _FREQUENCIES])


def mel_band(hertz: float, spec: LogMelSpec) -> float:
    """The fractional index of the mel band with a center frequency."""
    low, high, value = (2595 * np.log10(1 + f / 700) for f in (spec.f_min, spec.f_max, hertz))
    return float((value - low) / (high - low) * (spec.n_mels + 1) - 1)


def new_figure(width: int, height: int) -> Figure:
    """A figure of a size in pixels, with an Agg canvas and constrained layout."""
    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, layout='constrained')
    FigureCanvasAgg(figure)
    return figure


def render(figure: Figure) -> np.ndarray:
    """A figure as a picture: RGB, uint8, (height, width, 3)."""
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()


def stack(pictures: Sequence[np.ndarray], *, gap: int = 8) -> np.ndarray:
    """Stacks pictures of any widths vertically, on white."""
    width = max(picture.shape[1] for picture in pictures)
    rows = []
    for picture in pictures:
        padded = np.full((picture.shape[0] + gap, width, 3), 255, np.uint8)
        padded[: picture.shape[0], : picture.shape[1]] = picture
        rows.append(padded)
    return np.concatenate(rows)[:-gap]
