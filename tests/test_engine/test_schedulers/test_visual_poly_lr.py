import pytest
import torch
from mmseg.registry import PARAM_SCHEDULERS
from torch import nn

from mmavs.engine import SGDAdam, VisualPolyLR

EPOCHS, ITERS = 4, 5
TOTAL = EPOCHS * ITERS


def make_optimizer():
    groups = [dict(lr=0.1), dict(lr=1.0, constant_lr=False), dict(lr=0.01, algorithm='adam', constant_lr=True)]
    return SGDAdam([dict(params=[nn.Parameter(torch.zeros(1))], **options) for options in groups])


def make_scheduler(optimizer, eta_min=0.0):
    return VisualPolyLR.build_iter_from_epoch(
        power=0.9, eta_min=eta_min, begin=0, end=EPOCHS, by_epoch=True, epoch_length=ITERS, optimizer=optimizer
    )


def rates(optimizer):
    return [group['lr'] for group in optimizer.param_groups]


def advance(optimizer, scheduler):
    optimizer.step()
    scheduler.step()


def test_registered():
    assert PARAM_SCHEDULERS.get('VisualPolyLR') is VisualPolyLR


@pytest.mark.parametrize('eta_min', [0.0, 1e-3])
def test_closed_form_each_iteration_and_constant_audio(eta_min):
    optimizer = make_optimizer()
    scheduler = make_scheduler(optimizer, eta_min)
    for step in range(TOTAL):
        factor = (1 - step / TOTAL) ** 0.9
        expected = [(lr - eta_min) * factor + eta_min for lr in (0.1, 1.0)] + [0.01]
        assert rates(optimizer) == pytest.approx(expected, rel=1e-9)
        advance(optimizer, scheduler)


def test_every_iteration_trains():
    optimizer = make_optimizer()
    scheduler = make_scheduler(optimizer)
    for _ in range(TOTAL - 1):
        advance(optimizer, scheduler)
    assert min(rates(optimizer)) > 0


def test_continues_from_a_saved_state():
    straight = make_optimizer()
    scheduler = make_scheduler(straight)
    for _ in range(7):
        advance(straight, scheduler)
    resumed = make_optimizer()
    other = make_scheduler(resumed)
    other.load_state_dict(scheduler.state_dict())
    resumed.load_state_dict(straight.state_dict())
    for _ in range(5):
        advance(straight, scheduler)
        advance(resumed, other)
        assert rates(resumed) == rates(straight)
