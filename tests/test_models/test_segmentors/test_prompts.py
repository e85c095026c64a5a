import torch
from av_model import logits, make_batch
from test_av_encoder_decoder import build

from mmavs.models import AVEncoderDecoder
from mmavs.models.fusion import CrossAttentionFusion


class BrightnessPrompt(AVEncoderDecoder):
    """A segmentor with a second prompt from the data samples."""

    def encode_prompts(self, inputs, data_samples=None):
        brightness = torch.stack([sample.metainfo['brightness'] for sample in data_samples])
        return dict(super().encode_prompts(inputs, data_samples), brightness=brightness)


def test_another_prompt_needs_a_method_and_an_argument_of_the_fusion_only():
    """It reaches the fusion in training, for shuffled pairs too, and in whole and slide inference."""
    seen = []

    class Fusion(CrossAttentionFusion):
        def fuse(self, visual, audio, brightness):
            seen.append(('fuse', brightness))
            return super().fuse(visual, audio)

        def fuse_pixels(self, visual, audio, level, image, pixel, brightness):
            seen.append(('fuse_pixels', brightness))
            return super().fuse_pixels(visual, audio, level, image, pixel)

    model = build()
    model.__class__, model.fusion.__class__ = BrightnessPrompt, Fusion
    batch = make_batch(model, training=True)
    for i, sample in enumerate(batch['data_samples']):
        sample.set_metainfo(dict(brightness=torch.tensor(float(i))))
    model.train().loss(**batch)
    model.test_cfg.update(mode='slide', crop_size=(32, 24), stride=(32, 24))
    logits(model, batch)
    model.test_cfg.update(mode='whole')
    logits(model, batch)
    assert [name for name, _ in seen] == ['fuse', 'fuse_pixels', 'fuse', 'fuse', 'fuse']
    assert all(brightness.tolist() == [0, 1, 2] for _, brightness in seen)
