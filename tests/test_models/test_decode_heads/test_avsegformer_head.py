import torch
import torch.nn.functional as F
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

HEAD = dict(
    type='AVSegFormerHead',
    in_channels=(16, 5),
    channels=16,
    hidden_channels=8,
    num_classes=2,
    out_channels=1,
    threshold=0.5,
    loss_decode=dict(type='FrameDiceLoss'),
    mask_loss=dict(type='FrameDiceLoss', loss_weight=0.1, loss_name='loss_mask'),
)


def test_losses_of_logits_and_mask_feature():
    head, inputs = MODELS.build(HEAD).train(), (torch.randn(2, 16, 4, 6), torch.randn(2, 5, 4, 6))
    label = torch.randint(2, (2, 1, 16, 24))
    label[1] = 255
    losses = head.loss(inputs, [SegDataSample(gt_sem_seg=PixelData(data=x)) for x in label], {})
    assert set(losses) == {'loss_dice', 'loss_mask', 'acc_seg'} and head(inputs).shape == (2, 1, 16, 24)
    mean = F.interpolate(inputs[0][:1].mean(1, keepdim=True), size=(16, 24), mode='bilinear')
    p, g = mean[0, 0].sigmoid(), label[0, 0]
    expected = 1 - 2 * (p * g).sum() / ((p**2).sum() + g.sum() + 0.002)
    torch.testing.assert_close(losses['loss_mask'], 0.1 * expected)
