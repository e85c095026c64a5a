"""The network input, from files through pipeline, dataset and preprocessor of a config, against the
same steps by hand with Pillow, soundfile, torchaudio and NumPy.

Pillow decodes JPEG and PNG to the same values as OpenCV, but resizes otherwise: when it makes an image smaller, it
averages over more pixels. ``plain_images`` holds what OpenCV does.
"""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from avsbench_tree import write_semantic
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmseg.registry import DATASETS, MODELS
from PIL import Image
from plain_images import bilinear, bilinear_fixed_point, brightness, contrast, hue, nearest, saturation
from torchaudio.functional import resample
from torchaudio.transforms import MelSpectrogram
from vpo_tree import write_rows

CONFIGS = Path(__file__).resolve().parents[2] / 'configs' / 'cavp'
MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)  # red, green, blue
IGNORE, CROP = 255, 512
HEIGHT, WIDTH = 301, 403
# COCO category in the mask: index of the class. Car (3) and airplane (5) are what a remapping in place would mix up.
CLASSES = {0: 0, 3: 5, 5: 1, 17: 6, IGNORE: IGNORE}
# (name of the class, category, recording, place); one of 44.1 kHz stereo, one of 16 kHz, and one that is too short
SOURCES = (('car', 3, 'stereo', 0.15), ('airplane', 5, 'mono', 0.8125), ('cat', 17, 'short', 0.5))
JITTER = dict(brightness=1.25, contrast=0.75, saturation=1.5, hue=-0.125)


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    """VPO-MS with the same image, mask and recordings for training (id 1) and for testing (id 2)."""
    root, rng = tmp_path_factory.mktemp('files'), np.random.default_rng(0)
    sounds = root / 'VGGSound' / 'audios'
    sounds.mkdir(parents=True)
    for name, rate, seconds, channels in (('stereo', 44100, 4.3, 2), ('mono', 16000, 3.7, 1), ('short', 16000, 1.2, 1)):
        noise = 0.2 * rng.uniform(-1, 1, (round(rate * seconds), channels))
        tone = 0.3 * np.sin(2 * np.pi * 700 * np.arange(len(noise)) / rate)[:, None]
        soundfile.write(sounds / f'{name}.wav', noise + tone * [1, 0.5][:channels], rate, subtype='PCM_16')
    folder = root / 'VPO-MS'
    for name in ('data', 'mask'):
        (folder / name).mkdir(parents=True)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    image = np.stack([128 + 100 * np.sin(x / 17), 128 + 100 * np.cos(y / 11), (x + y) % 256], axis=-1)
    image = (image + rng.normal(0, 20, image.shape)).clip(0, 255).astype(np.uint8)
    blocks = rng.choice(list(CLASSES), (HEIGHT // 7 + 1, WIDTH // 7 + 1)).astype(np.uint8)
    mask = blocks.repeat(7, axis=0).repeat(7, axis=1)[:HEIGHT, :WIDTH]
    rows = []
    for number, split in ((1, 'train'), (2, 'test')):
        Image.fromarray(image).save(folder / 'data' / f'{number:012d}.jpg', quality=90)
        Image.fromarray(mask).save(folder / 'mask' / f'{number:012d}.png')
        for k, (name, category, recording, place) in enumerate(SOURCES):
            row = dict(img_Id=number, ann_Ids=k, cateId=category, cateName=name, vgg_file=recording, audio_pos=place)
            rows.append(dict(row, multi_instance=0, split=split))
    write_rows(folder / 'vpo_ms_data_stereo.csv', rows)
    return root


def network_inputs(cfg, dataset, *, training=False, number=0):
    """Image, log-mel and label of a sample, as network input."""
    preprocessor = MODELS.build(cfg.model.data_preprocessor)
    batch = preprocessor(pseudo_collate([dataset[number]]), training)
    (sample,) = batch['data_samples']
    return batch['inputs']['img'][0], batch['inputs']['audio'][0], sample.gt_sem_seg.data[0], sample


def build(name, loader, root):
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    return cfg, DATASETS.build(dict(cfg[loader].dataset, data_root=str(root)))


def load_image(root, number):
    return np.asarray(Image.open(root / 'VPO-MS' / 'data' / f'{number:012d}.jpg').convert('RGB'))


def load_label(root, number):
    mask = np.asarray(Image.open(root / 'VPO-MS' / 'mask' / f'{number:012d}.png'))
    label = np.empty(mask.shape, int)
    for value, index in CLASSES.items():
        label[mask == value] = index
    return label


def read_mono(path):
    """The complete recording at 16 kHz: (samples,)."""
    samples, rate = soundfile.read(path, dtype='float32', always_2d=True)
    return resample(torch.from_numpy(samples.mean(axis=1)), rate, 16000)


def mix(root, channels, *, mirrored=False):
    """Three seconds of all sources: (channels, 48000)."""
    total = torch.zeros(channels, 48000)
    for _, _, name, place in SOURCES:
        clip = read_mono(root / 'VGGSound' / 'audios' / f'{name}.wav')
        if len(clip) < 48000:
            clip = torch.cat([clip] * 3)[:48000]
        else:
            start = (len(clip) - 48000) // 2
            clip = clip[start : start + 48000]
        right = 1 - place if mirrored else place
        total += clip if channels == 1 else torch.stack([clip * (1 - right), clip * right])
    return total


def log_mel(waveform, frames):
    mel = MelSpectrogram(sample_rate=16000, n_fft=512, win_length=400, hop_length=160, f_min=125, f_max=3800, n_mels=64)
    return 20 * mel(waveform)[..., :frames].transpose(1, 2).clamp_min(1e-5).log10() / 100


def normalized(image):
    return torch.from_numpy(((image - np.array(MEAN)) / np.array(STD)).transpose(2, 0, 1)).float()


def assert_equal(found, image, sound, label, *, undecided=0):
    """To 1e-4; ``undecided`` values of the image may differ by some gray levels, see :func:`plain_images.hue`."""
    off = (found[0] - normalized(image)).abs()
    assert (off > 1e-4).sum() <= undecided and off.max() < 5 / min(STD)
    torch.testing.assert_close(found[1], sound, rtol=0, atol=1e-4)
    assert np.array_equal(found[2], label)


@pytest.mark.parametrize('name, channels', [('cavp_r50_vpo-ms', 2), ('cavp_r50_vpo-ms-mono', 1)])
def test_testing(root, name, channels):
    found = network_inputs(*build(name, 'test_dataloader', root))
    assert_equal(found, load_image(root, 2), log_mel(mix(root, channels), 300), load_label(root, 2))
    assert found[3].audio_label == (1, 5, 6)


SCALES = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)
SMALLER = pytest.param('cavp_r50_vpo-ms', 2, 0.75, True, (2, 0, 3, 1), id='smaller, mirrored')
SAME = pytest.param('cavp_r50_vpo-ms', 2, 1.0, False, (3, 2, 1, 0), id='own size')
LARGER = pytest.param('cavp_r50_vpo-ms', 2, 1.75, True, (1, 3, 0, 2), id='larger, cropped, mirrored')
MONO = pytest.param('cavp_r50_vpo-ms-mono', 1, 1.5, True, (0, 1, 2, 3), id='mono, larger, cropped, mirrored')


@pytest.mark.parametrize('name, channels, scale, mirrored, order', [SMALLER, SAME, LARGER, MONO])
def test_training(root, monkeypatch, name, channels, scale, mirrored, order):
    """With given random choices: scale, crop, flip, amounts of the jitter and their order."""
    cfg, dataset = build(name, 'train_dataloader', root)
    steps = {type(step).__name__: step for step in dataset.pipeline.transforms}
    height, width = int(HEIGHT * scale + 0.5), int(WIDTH * scale + 0.5)
    top, left = max(0, height - CROP) // 2, max(0, width - CROP) // 3
    assert [choice.transforms[0].scale_factor for choice in steps['RandomChoice'].transforms] == [
        (s, s) for s in SCALES
    ]
    monkeypatch.setattr(steps['RandomChoice'], 'random_pipeline_index', lambda: SCALES.index(scale))
    monkeypatch.setattr(steps['RandomCrop'], 'crop_bbox', lambda _: (top, top + CROP, left, left + CROP))
    assert steps['AVRandomFlip'].prob == 0.5
    monkeypatch.setattr(steps['AVRandomFlip'], '_choose_direction', lambda: 'horizontal' if mirrored else None)
    ranges = []
    amounts = iter(JITTER.values())
    monkeypatch.setattr(np.random, 'uniform', lambda low, high: ranges.append((low, high)) or next(amounts))
    monkeypatch.setattr(np.random, 'permutation', lambda _: np.array(order))
    found = network_inputs(cfg, dataset, training=True)
    assert ranges == [(0.5, 1.5), (0.5, 1.5), (0.5, 1.5), (-0.25, 0.25)]

    image, label = load_image(root, 1), load_label(root, 1)
    if scale != 1:
        resized = bilinear_fixed_point(image, height, width)
        assert np.abs(resized - bilinear(image, height, width)).max() < 1
        image, label = resized, nearest(label, height, width)
    image, label = (x[top : top + CROP, left : left + CROP] for x in (image, label))
    if mirrored:
        image, label = image[:, ::-1], label[:, ::-1]
    jitter = (brightness, contrast, saturation, hue)
    for k in order:
        image = jitter[k](image, JITTER[jitter[k].__name__])
    # the mean color, and labels to ignore, up to 512 x 512
    below, beside = CROP - len(image), CROP - image.shape[1]
    padded = np.concatenate([image, np.broadcast_to(MEAN, (below, image.shape[1], 3))]) if below else image
    padded = np.concatenate([padded, np.broadcast_to(MEAN, (CROP, beside, 3))], axis=1) if beside else padded
    label = np.pad(label, ((0, below), (0, beside)), constant_values=IGNORE)
    assert_equal(found, padded, log_mel(mix(root, channels, mirrored=mirrored), 300), label, undecided=20)


def test_testing_at_224_with_the_second_of_a_frame(tmp_path):
    """AVSBench-Semantic: image and mask are resized, and the audio is that of the frame."""
    cfg, dataset = build('cavp_r50_avss-224', 'test_dataloader', write_semantic(tmp_path))
    for number in (0, 3):
        found = network_inputs(cfg, dataset, number=number)
        path = Path(found[3].img_path)
        image = bilinear_fixed_point(np.asarray(Image.open(path)), 224, 224)
        assert np.abs(image - bilinear(np.asarray(Image.open(path)), 224, 224)).max() < 1
        mask = np.asarray(Image.open(path.parents[1] / 'labels_semantic' / f'{path.stem}.png'))
        second = int(path.stem)
        sound = read_mono(path.parents[1] / 'audio.wav')[None, 16000 * second : 16000 * (second + 1)]
        assert_equal(found, image, log_mel(sound, 100), nearest(mask, 224, 224))
