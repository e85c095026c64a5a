import pytest
import torch

from mmavs.models.losses import label_groups
from mmavs.models.losses.label_groups import group_by_label


@pytest.mark.parametrize('slots', [1, 3, 1024])
@pytest.mark.parametrize('dtype', [torch.uint8, torch.long])
def test_same_as_unique_and_nonzero(slots, dtype, monkeypatch):
    """Also where there are more labels than slots."""
    monkeypatch.setattr(label_groups, '_SLOTS', slots)
    for count in (1, 2, 50):
        label = torch.tensor([0, 3, 7, 255])[torch.randint(4, (count,))].to(dtype)
        chosen = torch.rand(count) > 0.5
        groups, found = group_by_label(label, chosen)
        assert list(groups) == label.unique().tolist()
        for value, index in groups.items():
            assert torch.equal(index, (label == value).nonzero()[:, 0])
        assert torch.equal(found, chosen.nonzero()[:, 0])


def test_negative_and_large_labels():
    label = torch.tensor([70000, -1, 70000, 0])
    groups, _ = group_by_label(label, label > 0)
    assert {k: v.tolist() for k, v in groups.items()} == {-1: [1], 0: [3], 70000: [0, 2]}
