"""One training step of CAVP, with weights from the converter, against a double that is written out from the description
of the reference."""

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
# The first image's swapped sound has the same set of classes, the others' have not; the last one's only in part.
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


def load_double(weights):
    with torch.device('meta'):
        network = PlainCAVP()
    network.load_state_dict(weights, assign=True)
    return network


def load_ours(weights):
    """The network of the released checkpoint, with weights that went through the converter."""
    network = identify(weights)
    cfg = Config.fromfile(CONFIGS / f'{network.base_configs[0]}.py').model.to_dict()
    cfg['backbone'].update(network.backbone)
    del cfg['data_preprocessor']
    with torch.device('meta'):
        model = MODELS.build(cfg)
    model.load_state_dict(RENAMING.apply(weights)[0], assign=True)
    return model


def make_batch():
    """Image, sound and label of four images, small enough that no pixel is left out of the contrastive loss.

    Of the label's pixels that are left at the size of the features, as many are background as foreground.
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
    """Cross-entropy of own pairs, and Eq. 4 over every pixel of own and swapped pairs."""
    visual, sound = network.visual(image), network.sound(log_mel)
    own, swapped = network.fuse(visual, sound), network.fuse(visual, sound[list(PERMUTATION)])
    cross_entropy = F.cross_entropy(network.classify(own, SIZE), label, ignore_index=IGNORE)
    features, labels = [], []
    for i, j in enumerate(PERMUTATION):
        pixel_label = label[i, ::STRIDE, ::STRIDE].flatten()
        known = pixel_label != IGNORE
        features.append(own[i].flatten(1).T[known])
        labels.append(pixel_label[known])
        foreground = known & (pixel_label != 0)
        features.append(swapped[i].flatten(1).T[foreground])
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


def test_golden_double_is_the_reference_network(golden_file, weights):
    golden = {key: torch.tensor(value) for key, value in np.load(golden_file(f'model_{NAME}.npz')).items()}
    network = load_double(weights).eval()
    with torch.no_grad():
        sound = network.sound(golden['log_mel'])
        logits = network.classify(network.fuse(network.visual(golden['image']), sound), golden['image'].shape[2:])
    torch.testing.assert_close(sound, golden['audio_embedding'][:, :, 0, 0], rtol=0, atol=1e-3)
    assert (logits - golden['logits']).abs().max() < 1e-3 * golden['logits'].std()


@pytest.mark.slow
def test_golden_training_step(weights, monkeypatch):
    """Losses, gradients, and the statistics of the classifier's norms, to which swapped pairs contribute nothing.

    In double precision: through some 70 norms with statistics of four images, the rounding of single precision grows
    to some per cent of the stem's gradient.
    """
    image, log_mel, label = make_batch()
    double = load_double(weights).double().train()
    expected = plain_losses(double, image, log_mel, label)
    gradients = torch.autograd.grad(sum(expected), [double.get_parameter(key) for key in PARAMETERS])
    statistics = [double.get_buffer(key) for key in STATISTICS]
    del double
    drawn = []

    def permutation(count, **_):
        drawn.append(count)
        return torch.tensor(PERMUTATION)

    monkeypatch.setattr(torch, 'randperm', permutation)
    model = load_ours(weights).double().train()
    losses = model(dict(img=image, audio=log_mel), data_samples(label), mode='loss')
    assert drawn == [len(PERMUTATION)], 'pixels were sampled: the two losses are not over the same ones'
    assert {key for key in losses if 'loss' in key} == {'decode.loss_ce', 'loss_contrast'}
    for key, truth in zip(('decode.loss_ce', 'loss_contrast'), expected, strict=True):
        assert losses[key].item() == pytest.approx(truth.item(), rel=1e-5), key
    total, _ = model.parse_losses(losses)
    found = torch.autograd.grad(total, [model.get_parameter(key) for key in PARAMETERS.values()])
    for key, gradient, truth in zip(PARAMETERS, found, gradients, strict=True):
        assert (gradient - truth).abs().max() < 1e-4 * truth.abs().max(), key
    for key, truth in zip(STATISTICS.values(), statistics, strict=True):
        torch.testing.assert_close(model.get_buffer(key), truth, rtol=1e-6, atol=1e-6)
