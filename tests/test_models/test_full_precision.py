import torch

from mmavs.models import AudioResNet, VGGish


def test_audio_is_embedded_in_32_bits():
    for net, shape in (
        (AudioResNet(base_channels=4, out_channels=6), (2, 2, 32, 16)),
        (VGGish(out_channels=6, frames=16, n_mels=16), (2, 1, 16, 16)),
    ):
        x = torch.randn(shape)
        expected = net.eval()(x)
        with torch.autocast('cpu', torch.bfloat16):
            assert torch.equal(net(x), expected)
