"""Small sound and video files, written by PyAV."""

from fractions import Fraction

import numpy as np


def write_sound(path, samples, rate, codec, *, format=None, layout=None, **options):
    """Writes float samples (channels, n) with a codec of FFmpeg; returns the path as a string."""
    import av

    layout = layout or {1: 'mono', 2: 'stereo', 6: '5.1'}[len(samples)]
    with av.open(str(path), 'w', format=format) as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        for key, value in options.items():
            setattr(stream.codec_context, key, value)
        write_audio(container, stream, samples, rate, layout)
    return str(path)


def write_audio(container, stream, samples, rate, layout, start=0.0):
    import av

    wanted = stream.codec_context.format.name
    if wanted.startswith('flt'):
        data, kind = samples.astype(np.float32), 'fltp'
    elif wanted.startswith('s32'):
        data, kind = np.round(samples * 2**31).clip(-(2**31), 2**31 - 1).astype(np.int32), 's32p'
    else:
        data, kind = np.round(samples * 2**15).clip(-(2**15), 2**15 - 1).astype(np.int16), 's16p'
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(data), format=kind, layout=layout)
    frame.rate, frame.time_base, frame.pts = rate, Fraction(1, rate), round(start * rate)
    resampler = av.AudioResampler(format=wanted, layout=layout, rate=rate, frame_size=stream.codec_context.frame_size)
    for part in [*resampler.resample(frame), *resampler.resample(None)]:
        for packet in stream.encode(part):
            container.mux(packet)
    for packet in stream.encode(None):
        container.mux(packet)


def noise(seconds, rate, channels=1, seed=0, cutoff=0.15):
    """Smooth noise, which lossy codecs keep; float (channels, n)."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft(rng.standard_normal((channels, round(seconds * rate))))
    spectrum[:, round(spectrum.shape[1] * cutoff) :] = 0
    waves = np.fft.irfft(spectrum, n=round(seconds * rate))
    return waves / abs(waves).max() * 0.5


def write_video(
    path,
    images,
    *,
    fps=10,
    times=None,
    sound=None,
    rate=16000,
    video_codec='libx264',
    audio_codec='aac',
    rotation=0,
    start=0.0,
    audio_start=0.0,
):
    """Writes RGB images (uint8, (H, W, 3)), at ``times`` in seconds if given, and a sound (channels, n)."""
    import av

    with av.open(str(path), 'w') as container:
        stream = container.add_stream(video_codec, rate=fps)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = 'yuv444p' if video_codec == 'libx264' else 'yuv420p'
        stream.codec_context.time_base = Fraction(1, 1000)
        if video_codec == 'libx264':
            stream.options = {'crf': '0', 'preset': 'ultrafast'}
        if rotation:
            stream.set_display_rotation(rotation)
        audio = None
        if sound is not None:
            layout = {1: 'mono', 2: 'stereo', 6: '5.1'}[len(sound)]
            audio = container.add_stream(audio_codec, rate=rate, layout=layout)
        for index, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format='rgb24')
            time = start + (index / fps if times is None else times[index])
            frame.pts, frame.time_base = round(time * 1000), Fraction(1, 1000)
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
        if audio is not None:
            write_audio(container, audio, sound, rate, layout, audio_start)
    return str(path)
