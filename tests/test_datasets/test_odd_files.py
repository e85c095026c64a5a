"""Unusual but valid files: from the file to the network input."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmseg.registry import MODELS
from PIL import Image

from mmavs.audio import SAMPLE_RATE
from mmavs.audio.log_mel import LogMel
from mmavs.datasets.transforms import LoadAudio, LoadFrame

ROOT = Path(__file__).resolve().parents[2]
RATE = SAMPLE_RATE
TONE = 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)


def tone(rate=RATE, channels=1, **kwargs):
    wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    return dict(data=np.stack([wave] * channels, 1), samplerate=rate, **kwargs)


RECORDINGS = {
    'one sample': dict(data=np.array([0.5]), samplerate=RATE),
    'silent': dict(data=np.zeros(RATE), samplerate=RATE),
    'clipped': dict(data=np.clip(9 * TONE, -1, 1), samplerate=RATE),
    'beyond full scale': dict(data=9 * TONE, samplerate=RATE, subtype='FLOAT'),
    '8 kHz': tone(8000),
    '96 kHz': tone(96000),
    'six channels': tone(channels=6),
    'float64': tone(subtype='DOUBLE'),
    'A-law': tone(subtype='ALAW'),
}


def load(path, duration=0.5):
    """(waveform, log-mel) of a recording at the center."""
    source = dict(audio_path=str(path), position=0.5)
    audio = LoadAudio(duration=duration)(dict(sources=[source]))['audio']
    return audio, LogMel()(audio[None])[0]


def pitch(waveform):
    return np.abs(np.fft.rfft(waveform)).argmax() * RATE / len(waveform)


@pytest.mark.parametrize('kind', RECORDINGS)
def test_odd_recording(tmp_path, kind):
    soundfile.write(tmp_path / 'a.wav', **RECORDINGS[kind])
    audio, log_mel = load(tmp_path / 'a.wav')
    assert audio.shape == (2, RATE // 2) and log_mel.shape == (2, 50, 64)
    assert audio.isfinite().all() and log_mel.isfinite().all()
    if kind == 'silent':
        assert not audio.any() and log_mel.eq(-1).all()
    elif kind == 'one sample':
        assert audio.eq(0.25).all()
    else:
        assert abs(pitch(audio[0].numpy()) - 440) <= 2
        loudest = 9 / 4 if kind == 'beyond full scale' else 0.5 if kind == 'clipped' else 0.25
        assert audio.max().item() == pytest.approx(loudest, rel=0.04)


def test_mp3_inside_wav(tmp_path):
    soundfile.write(tmp_path / 'a.mp3', TONE, RATE)
    fmt = struct.pack('<HHIIHHHHIHHH', 0x55, 1, RATE, 8000, 1, 0, 12, 1, 2, 576, 1, 1393)
    data = (tmp_path / 'a.mp3').read_bytes()
    data += b'\0' * (len(data) % 2)
    body = b'WAVEfmt ' + struct.pack('<I', len(fmt)) + fmt + b'data' + struct.pack('<I', len(data)) + data
    (tmp_path / 'a.wav').write_bytes(b'RIFF' + struct.pack('<I', len(body)) + body)
    audio, log_mel = load(tmp_path / 'a.wav')
    assert abs(pitch(audio[0].numpy()) - 440) <= 2 and log_mel.isfinite().all()


def encode(pixels, mode, suffix):
    content = io.BytesIO()
    image = Image.fromarray(pixels) if mode in (None, 'I;16') else Image.fromarray(pixels, 'RGB').convert(mode)
    image.save(content, suffix)
    return content.getvalue()


RAMP = np.tile(np.arange(0, 256, 8, dtype=np.uint8)[None, :, None], (24, 1, 3))
IMAGES = {
    'gray': encode(RAMP, 'L', 'PNG'),
    'RGBA': encode(RAMP, 'RGBA', 'PNG'),
    'CMYK': encode(RAMP, 'CMYK', 'JPEG'),
    '16 bits': encode(RAMP[..., 0].astype(np.uint16) * 257, 'I;16', 'PNG'),
    'one bit a pixel': encode((RAMP > 127).astype(np.uint8) * 255, '1', 'PNG'),
}


@pytest.mark.parametrize('kind', IMAGES)
def test_odd_image_has_three_channels_of_eight_bits(tmp_path, kind):
    (tmp_path / 'a').write_bytes(IMAGES[kind])
    image = LoadFrame()(dict(img_path=str(tmp_path / 'a')))['img']
    assert image.shape == (24, 32, 3) and image.dtype == np.uint8
    truth = (RAMP > 127) * 255 if kind == 'one bit a pixel' else RAMP.astype(int)
    assert np.abs(image - truth).max() <= (6 if kind == 'CMYK' else 2)


def test_one_pixel_trains(tmp_path):
    """Cropped, flipped and padded to the size of the batch, with all pixels but one ignored."""
    for name, value in (('a.png', [[[200, 100, 0]]]), ('mask.png', [[3]])):
        Image.fromarray(np.array(value, np.uint8)).save(tmp_path / name)
    table = np.zeros(256, np.uint8)
    table[3] = 5
    record = dict(
        img_path=str(tmp_path / 'a.png'),
        seg_map_path=str(tmp_path / 'mask.png'),
        label_table=table,
        sources=[],
        audio_label=(),
        seg_fields=[],
        reduce_zero_label=False,
    )
    config = Config.fromfile(ROOT / 'configs' / '_base_' / 'datasets' / 'vpo.py')
    sample = Compose(config.train_pipeline)(record)
    cfg = dict(type='AVDataPreProcessor', size=(16, 16), seg_pad_val=255, mean=[0] * 3, std=[1] * 3)
    batch = MODELS.build(cfg)(pseudo_collate([sample]), training=True)
    assert batch['inputs']['img'].shape == (1, 3, 16, 16)
    label = batch['data_samples'][0].gt_sem_seg.data
    assert sorted(set(label.flatten().tolist())) == [5, 255] and (label == 5).sum() < 9
    assert torch.isfinite(batch['inputs']['img']).all()
