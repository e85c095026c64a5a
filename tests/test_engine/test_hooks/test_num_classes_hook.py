from types import SimpleNamespace

import pytest
from torch import nn

from mmavs.engine import NumClassesHook


class Head(nn.Module):
    def __init__(self, num_classes, out_channels=None):
        super().__init__()
        self.num_classes, self.out_channels = num_classes, out_channels or num_classes


def check(classes, head, auxiliary=None, *, method='before_train'):
    model = nn.Module()
    model.decode_head = head
    if auxiliary is not None:
        model.auxiliary_head = auxiliary
    loader = SimpleNamespace(dataset=SimpleNamespace(metainfo=dict(classes=[str(i) for i in range(classes)])))
    runner = SimpleNamespace(model=model, train_dataloader=loader, val_dataloader=loader, test_dataloader=loader)
    getattr(NumClassesHook(), method)(runner)


@pytest.mark.parametrize('loader', ['train', 'val', 'test'])
@pytest.mark.parametrize('number', [5, 30])
def test_another_number_is_refused_with_the_keys(loader, number):
    wanted = (
        rf'model\.decode_head tells {number} .* {loader}_dataloader\.dataset has 22\. .*decode_head\.num_classes=22'
    )
    for head in (Head(number), nn.ModuleList([Head(22), Head(number)])):
        with pytest.raises(ValueError, match=wanted):
            check(22, head, method=f'before_{loader}')


def test_auxiliary_heads_have_an_output_for_each_class():
    check(9, Head(9), Head(19))
    with pytest.raises(ValueError, match=r'model\.auxiliary_head\.num_classes=9'):
        check(9, Head(9), nn.ModuleList([Head(9), Head(5)]))


def test_a_single_output_tells_two_classes_apart():
    for num_classes in (1, 2):
        check(2, Head(num_classes, out_channels=1))
    with pytest.raises(ValueError, match=r'model\.decode_head tells 2 classes apart'):
        check(3, Head(2, out_channels=1))


def test_models_and_datasets_without_classes_pass():
    check(0, Head(5))
    check(9, nn.Identity())
