"""A training step of CAVP with converted weights against the reference implementation in ``plain_cavp.py``."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from cavp2mmavs import CONFIGS
from conversion.cavp import RENAMING, identify
from golden_weights import synthetic_weights
from mmengine.config import Config
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from plain_cavp import PlainCAVP

NAME = 'vpo_stereo_r50'
SIZE, STRIDE, IGNORE = (48, 80), 4, 255
# The shuffled audio of the first image has the same set of classes, that of the last image only a part of it.
AUDIO_LABEL = ((3, 7), (7, 3), (12,), (3,))
PERMUTATION = (1, 2, 3, 0)
# name in the reference: name in mmavs
PARAMETERS = {
    'backbone.backbone.conv1.0.weight': 'backbone.stem.0.weight',
    'cross_att.blocks.0.attn.q.weight': 'fusion.attentions.0.query.weight',
    'segment.upsample.classifier.weight': 'decode_head.conv_seg.weight',
    'audio_backbone.backbone.conv1.weight': 'audio_backbone.resnet.conv1.weight',
}
STATISTICS = {
    f'segment.upsample.last_conv.1.{key}': f'decode_head.convs.0.bn.{key}' for key in ('running_mean', 'running_var')
}


@pytest.fixture(scope='module')
def weights(golden_file):
    return synthetic_weights(golden_file, NAME)


def load_reference(weights):
    with torch.device('meta'):
        network = PlainCAVP()
    network.load_state_dict(weights, assign=True)
    return network


def load_ours(weights):
    """The network of the released checkpoint with converted weights."""
    network = identify(weights)
    cfg = Config.fromfile(CONFIGS / f'{network.base_configs[0]}.py').model.to_dict()
    cfg['backbone'].update(network.backbone)
    del cfg['data_preprocessor']
    with torch.device('meta'):
        model = MODELS.build(cfg)
    model.load_state_dict(RENAMING.apply(weights)[0], assign=True)
    return model


def make_batch():
    """Images, audio and labels, small enough that the contrastive loss takes every pixel.

    At the size of the features, the labels have as many background as foreground pixels.
    """
    rng, count = np.random.default_rng(0), len(AUDIO_LABEL)
    kept = rng.permutation(np.repeat([0, 1, IGNORE], [432, 432, 96])).reshape(count, 12, 20)
    kind = rng.choice([0, 1, IGNORE], (count, *SIZE))
    kind[:, ::STRIDE, ::STRIDE] = kept
    classes = np.stack([rng.choice(labels, SIZE) for labels in AUDIO_LABEL])
    label = torch.from_numpy(np.where(kind == 1, classes, kind))
    image = torch.from_numpy(rng.standard_normal((count, 3, *SIZE)))
    log_mel = torch.from_numpy(rng.uniform(-1, 1, (count, 2, 300, 64)))
    return image, log_mel, label


def plain_losses(network, image, log_mel, label):
    """Cross-entropy of original pairs, and Eq. 4 over every pixel of original and shuffled pairs."""
    visual, audio = network.visual(image), network.embed_audio(log_mel)
    original, shuffled = network.fuse(visual, audio), network.fuse(visual, audio[list(PERMUTATION)])
    cross_entropy = F.cross_entropy(network.classify(original, SIZE), label, ignore_index=IGNORE)
    features, labels = [], []
    for i, j in enumerate(PERMUTATION):
        pixel_label = label[i, ::STRIDE, ::STRIDE].flatten()
        known = pixel_label != IGNORE
        features.append(original[i].flatten(1).T[known])
        labels.append(pixel_label[known])
        foreground = known & (pixel_label != 0)
        features.append(shuffled[i].flatten(1).T[foreground])
        same = set(AUDIO_LABEL[i]) == set(AUDIO_LABEL[j])
        labels.append(pixel_label[foreground] if same else torch.zeros_like(pixel_label[foreground]))
    return cross_entropy, plain_info_nce(torch.cat(features), torch.cat(labels))


def plain_info_nce(features, label):
    """The mean over anchors of the mean over positives p of -log(exp(p) / (exp(p) + sum of exp(negatives)))."""
    features = features / features.norm(dim=1, keepdim=True)
    exp = (features @ features.T / 0.1).exp()
    same = label[:, None] == label
    negatives = torch.where(same, 0, exp).sum(dim=1, keepdim=True)
    positive = same & ~torch.eye(len(label), dtype=torch.bool)
    losses = torch.where(positive, -(exp / (exp + negatives)).log(), 0)
    return (losses.sum(dim=1) / positive.sum(dim=1)).mean()


def data_samples(label):
    samples = []
    for pixels, classes in zip(label, AUDIO_LABEL, strict=True):
        samples.append(SegDataSample(gt_sem_seg=PixelData(data=pixels[None])))
        samples[-1].set_metainfo(dict(img_shape=SIZE, ori_shape=SIZE, audio_label=classes))
    return samples


def test_golden_logits_of_the_reference_implementation(golden_file, weights):
    golden = {key: torch.tensor(value) for key, value in np.load(golden_file(f'model_{NAME}.npz')).items()}
    network = load_reference(weights).eval()
    with torch.no_grad():
        audio = network.embed_audio(golden['log_mel'])
        logits = network.classify(network.fuse(network.visual(golden['image']), audio), golden['image'].shape[2:])
    torch.testing.assert_close(audio, golden['audio_embedding'][:, :, 0, 0], rtol=0, atol=1e-3)
    assert (logits - golden['logits']).abs().max() < 1e-3 * golden['logits'].std()


@pytest.mark.slow
def test_golden_training_step(weights, monkeypatch):
    """Losses, gradients, and the statistics of the classifier's norms, to which shuffled pairs do not contribute.

    In float64, because some 70 batch norms over four images amplify the rounding of float32 to a few percent of the
    gradient of the stem.
    """
    image, log_mel, label = make_batch()
    reference = load_reference(weights).double().train()
    expected = plain_losses(reference, image, log_mel, label)
    gradients = torch.autograd.grad(sum(expected), [reference.get_parameter(key) for key in PARAMETERS])
    statistics = [reference.get_buffer(key) for key in STATISTICS]
    del reference
    drawn = []

    def permutation(count, **_):
        drawn.append(count)
        return torch.tensor(PERMUTATION)

    monkeypatch.setattr(torch, 'randperm', permutation)
    model = load_ours(weights).double().train()
    losses = model(dict(img=image, audio=log_mel), data_samples(label), mode='loss')
    assert drawn == [len(PERMUTATION)], 'pixels were drawn, so that the losses are not over the same pixels'
    assert {key for key in losses if 'loss' in key} == {'decode.loss_ce', 'loss_contrast'}
    for key, truth in zip(('decode.loss_ce', 'loss_contrast'), expected, strict=True):
        assert losses[key].item() == pytest.approx(truth.item(), rel=1e-5), key
    total, _ = model.parse_losses(losses)
    found = torch.autograd.grad(total, [model.get_parameter(key) for key in PARAMETERS.values()])
    for key, gradient, truth in zip(PARAMETERS, found, gradients, strict=True):
        assert (gradient - truth).abs().max() < 1e-4 * truth.abs().max(), key
    for key, truth in zip(STATISTICS.values(), statistics, strict=True):
        torch.testing.assert_close(model.get_buffer(key), truth, rtol=1e-6, atol=1e-6)
