"""Shared checks of audio-visual segmentors, for tests of models and of configs: losses, gradients, predictions."""

import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

HOP = 160  # samples between two frames of the spectrogram


def make_batch(model, count=3, size=(32, 48), *, training=False, channels=2):
    """A batch from the model's preprocessor, with one or two classes and some ignored pixels."""
    samples = []
    for i in range(count):
        label, kind = torch.zeros(1, *size, dtype=torch.long), 1 + i % min(2, model.num_classes - 1)
        label[:, 4:20, 6:30] = kind
        label[:, -3:] = 255
        sample = SegDataSample(gt_sem_seg=PixelData(data=label))
        sample.set_metainfo(dict(img_shape=size, ori_shape=size, audio_label=(kind,)))
        samples.append(sample)
    length = HOP * (model.data_preprocessor.num_frames or getattr(model.audio_backbone, 'frames', 32))
    inputs = dict(
        img=[torch.randint(256, (3, *size), dtype=torch.uint8) for _ in range(count)],
        audio=[0.3 * torch.randn(channels, length) for _ in range(count)],
    )
    return model.data_preprocessor(dict(inputs=inputs, data_samples=samples), training)


def logits(model, batch, **changes):
    """The predicted logits (B, classes, H, W); ``changes`` replace inputs of the batch."""
    model.eval()
    with torch.no_grad():
        results = model.predict({**batch['inputs'], **changes}, batch['data_samples'])
    return torch.stack([result.seg_logits.data for result in results])


def sharpen(model):
    """Enlarges the weights of the attention, so that the audio has an effect as after training."""
    for block in getattr(model.fusion, 'blocks', ()):
        torch.nn.init.ones_(block.out_norm.weight)
    for attention in getattr(model.fusion, 'attentions', ()):
        for layer in (attention.query, attention.key, attention.value, attention.proj, attention.audio_embed):
            torch.nn.init.normal_(layer.weight, std=0.5)
    return model


def check_loss_and_gradients(model, batch):
    """Losses and gradients are finite; those of the audio backbone are not all zero."""
    model.train()
    losses = model(**batch, mode='loss')
    total, _ = model.parse_losses(losses)
    assert total.isfinite()
    model.zero_grad()
    total.backward()
    for key, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None and parameter.grad.isfinite().all(), key
    audio = [parameter.grad for parameter in model.audio_backbone.parameters() if parameter.requires_grad]
    assert not audio or sum(grad.abs().sum() for grad in audio) > 0
    return losses


def check_predictions(model, batch, size):
    """There is one result for each image, of its original size (height, width)."""
    model.eval()
    for sample in batch['data_samples']:
        sample.set_metainfo(dict(ori_shape=size))
    with torch.no_grad():
        results = model(**batch, mode='predict')
    assert len(results) == len(batch['data_samples'])
    for result in results:
        output = result.seg_logits.data
        assert output.shape == (model.out_channels, *size)
        expected = output.argmax(dim=0) if model.out_channels > 1 else output[0] > model.decode_head.threshold
        assert torch.equal(result.pred_sem_seg.data[0], expected.to(result.pred_sem_seg.data))
        assert 'audio_embedding' not in result.metainfo


def check_images_are_independent(model, batch):
    """Another order of the batch gives the same results in that order."""
    out, order = logits(model, batch), list(range(1, len(batch['data_samples']))) + [0]
    permuted = dict(
        inputs={k: v[order] for k, v in batch['inputs'].items()}, data_samples=[batch['data_samples'][i] for i in order]
    )
    tolerance = 1e-5 * max(1.0, out.abs().max().item())
    torch.testing.assert_close(logits(model, permuted), out[order], rtol=1e-4, atol=tolerance)
    assert not torch.allclose(out[order], out, atol=10 * tolerance), 'all images give the same logits'


def check_audio_matters(model, batch):
    """The same images with other audio give another prediction."""
    before = logits(model, batch)
    # A lower level: an untrained network does not distinguish two recordings of noise.
    changed = logits(model, batch, audio=batch['inputs']['audio'] - 1)
    assert (changed - before).abs().max() > 1e-3 * max(1.0, before.abs().max().item())


def without_downloads(cfg):
    """A copy of a model's config without pretrained weights."""
    if isinstance(cfg, dict):
        pretrained = 'init_cfg' in cfg and 'Pretrained' in str(cfg['init_cfg'])
        cfg = {key: without_downloads(value) for key, value in cfg.items() if not (pretrained and key == 'init_cfg')}
        return dict(cfg, pretrained=False) if cfg.get('type') == 'TIMMBackbone' else cfg
    return cfg
