import pytest
import torch

from mmavs.models.losses import FrameDiceLoss


def test_hand_worked_dice():
    """p = 1/2 everywhere, g = (1, 0): 1 - 2 * 0.5 / (0.5 + 1 + 0.002)."""
    loss = FrameDiceLoss(loss_weight=2.0)(torch.zeros(1, 1, 1, 2), torch.tensor([[[3, 0]]]))
    assert loss.item() == pytest.approx(2 * (1 - 1 / 1.502), abs=1e-6)


def test_ignored_pixels_and_frames_do_not_count():
    logits, label = torch.randn(3, 1, 4, 4, requires_grad=True), torch.randint(2, (3, 4, 4))
    expected = FrameDiceLoss()(logits[:2, :, :3], label[:2, :3])
    label[:, 3], label[2] = 255, 255
    loss = FrameDiceLoss()(logits, label)
    torch.testing.assert_close(loss, expected)
    loss.backward()
    assert not logits.grad[2].any() and not logits.grad[:, :, 3].any()


def test_a_batch_without_annotation_gives_zero():
    logits = torch.randn(2, 1, 3, 3, requires_grad=True)
    loss = FrameDiceLoss()(logits, torch.full((2, 3, 3), 255))
    loss.backward()
    assert loss == 0 and not logits.grad.any()


def test_several_classes_and_pixel_weights_are_refused():
    with pytest.raises(ValueError, match='out_channels=1'):
        FrameDiceLoss()(torch.randn(1, 2, 3, 3), torch.zeros(1, 3, 3).long())
    with pytest.raises(ValueError, match='no pixel weights'):
        FrameDiceLoss()(torch.randn(1, 1, 3, 3), torch.zeros(1, 3, 3).long(), weight=torch.ones(1, 3, 3))
