import json

import pytest
import torch
from mmseg.registry import MODELS
from torch import nn

from mmavs.models.audio_backbones import AudioResNet, VGGish


def shapes(module, prefix='', buffers=True):
    entries = module.state_dict() if buffers else dict(module.named_parameters())
    return {prefix + name: list(value.shape) for name, value in entries.items()}


def reference_shapes(golden_file, network):
    """Shapes in the reference's audio network, without the classifier that its training leaves unused."""
    keys = json.loads(golden_file(f'keys_{network}.json').read_text())
    prefix = 'audio_backbone.backbone.'
    return {name[len(prefix) :]: shape for name, shape in keys.items() if name.startswith(prefix)}


def test_golden_keys_vggish(golden_file):
    with torch.device('meta'):
        assert shapes(VGGish(out_channels=304)) == reference_shapes(golden_file, 'avss_r50')


def test_golden_keys_audio_resnet(golden_file):
    expected = {
        ('' if name.startswith('fc.') else 'resnet.') + name: shape
        for name, shape in reference_shapes(golden_file, 'vpo_stereo_r50').items()
    }
    with torch.device('meta'):
        assert shapes(AudioResNet(18, in_channels=2, out_channels=304)) == expected


@pytest.mark.parametrize('channels', [1, 2])
def test_audio_resnet_embeds_mono_and_stereo(channels):
    network = MODELS.build(dict(type='AudioResNet', in_channels=channels, out_channels=20, base_channels=8))
    embedding = network(torch.randn(3, channels, 300, 64))
    assert embedding.shape == (3, 20)
    with pytest.raises(
        ValueError, match=rf'in_channels={channels}, but the audio has {3 - channels} channels .*LoadAudio'
    ):
        network(torch.randn(3, 3 - channels, 300, 64))


def test_audio_resnet_pools_the_maximum():
    network = AudioResNet(in_channels=1, out_channels=4, base_channels=8).eval()
    x = torch.randn(2, 1, 96, 64)
    peak = network.resnet(x)[0].amax(dim=(2, 3))
    torch.testing.assert_close(network(x), peak @ network.fc.weight.T + network.fc.bias)


def test_tokens_follow_time_and_their_maximum_is_the_single_token():
    network = AudioResNet(in_channels=1, out_channels=4, base_channels=8, num_tokens=5).eval()
    log_mel = torch.randn(2, 1, 300, 64)
    tokens = network(log_mel)
    steps = network.resnet(log_mel)[0].amax(dim=3)  # (2, C, 10)
    assert tokens.shape == (2, 5, 4) and steps.shape[2] == 10
    by_hand = torch.stack([steps[..., 2 * i : 2 * i + 2].amax(dim=2) for i in range(5)], dim=1)
    torch.testing.assert_close(tokens, network.fc(by_hand))
    network.num_tokens = 1
    torch.testing.assert_close(network(log_mel), network.fc(by_hand.amax(dim=1)))


def test_tokens_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match='num_tokens must be at least 1, got 0'):
        AudioResNet(num_tokens=0)
    network = AudioResNet(in_channels=1, out_channels=4, base_channels=8, num_tokens=4).eval()
    with pytest.raises(ValueError, match='num_tokens=4, but 96 frames of audio give 3 time steps.*`duration`'):
        network(torch.randn(1, 1, 96, 64))


def test_audio_resnet_of_other_depth():
    network = AudioResNet(depth=50, in_channels=1, out_channels=6, base_channels=4)
    assert network(torch.randn(2, 1, 64, 64)).shape == (2, 6)


def test_vggish_refuses_stereo():
    with pytest.raises(ValueError, match='takes mono audio, but the audio has 2 channels: set channels=1 of LoadAudio'):
        small_vggish()(torch.randn(1, 2, 16, 16))


def small_vggish(**options):
    return VGGish(out_channels=5, frames=16, n_mels=16, **options)


def test_vggish_embeds():
    embedding = small_vggish().eval()(torch.randn(3, 1, 16, 16))
    assert embedding.shape == (3, 5) and embedding.min() >= 0


def test_vggish_takes_the_first_96_frames_of_a_second():
    with torch.device('meta'):
        assert VGGish()(torch.empty(2, 1, 100, 64)).shape == (2, 128)
    network, x = small_vggish().eval(), torch.randn(2, 1, 19, 16)
    torch.testing.assert_close(network(x), network(x[:, :, :16]), rtol=0, atol=0)
    assert not torch.equal(network(x), network(x[:, :, 3:]))


def test_vggish_refuses_shorter_audio():
    with pytest.raises(ValueError, match='VGGish takes 96 frames, got 50: set `duration` of LoadAudio to 0.96 s or m'):
        VGGish(out_channels=2)(torch.randn(1, 1, 50, 64))


def test_vggish_flattens_with_the_channels_last():
    network = small_vggish()
    x = torch.arange(2 * 3 * 4 * 5).view(2, 3, 4, 5)
    network.features = nn.Conv2d(1, 3, 1)
    network.features.forward = lambda log_mel: x
    network.embeddings = nn.Identity()
    flat = network(torch.zeros(2, 1, 16, 16))
    assert flat[1, (2 * 5 + 3) * 3 + 1] == x[1, 1, 2, 3]


def test_frozen_vggish_has_no_gradient():
    network = small_vggish(frozen=True)
    assert not any(p.requires_grad for p in network.parameters())
    assert all(p.requires_grad for p in small_vggish().parameters())
