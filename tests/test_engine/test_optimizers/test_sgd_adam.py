import copy
import io

import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.runner.checkpoint import CheckpointLoader
from mmseg.registry import OPTIMIZERS
from torch import nn

from mmavs.engine import SGDAdam

SGD_OPTIONS = dict(lr=0.1, momentum=0.9, weight_decay=0.01)
ADAM_OPTIONS = dict(lr=0.02, betas=(0.8, 0.99), eps=1e-6, weight_decay=0.1)


def parameters():
    return [nn.Parameter(torch.arange(1.0, 5.0)), nn.Parameter(torch.ones(2, 3))]


def joint(values):
    groups = [dict(params=[values[0]], **SGD_OPTIONS), dict(params=[values[1]], algorithm='adam', **ADAM_OPTIONS)]
    return OPTIMIZERS.build(dict(type='SGDAdam', params=groups))


def apart(values):
    return torch.optim.SGD([values[0]], **SGD_OPTIONS), torch.optim.Adam([values[1]], **ADAM_OPTIONS)


def set_gradients(values, seed):
    generator = torch.Generator().manual_seed(seed)
    for value in values:
        value.grad = torch.randn(value.shape, generator=generator)


def test_equals_separate_sgd_and_adam():
    ours, truth = parameters(), parameters()
    optimizer, others = joint(ours), apart(truth)
    for seed in range(6):
        set_gradients(ours, seed)
        set_gradients(truth, seed)
        optimizer.step()
        for other in others:
            other.step()
        for a, b in zip(ours, truth, strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_options_of_all_groups_come_from_the_optimizer():
    values = parameters()
    optimizer = SGDAdam(
        [dict(params=[values[0]]), dict(params=[values[1]], algorithm='adam')],
        lr=0.3,
        momentum=0.7,
        weight_decay=0.2,
        betas=(0.5, 0.6),
        eps=1e-3,
    )
    sgd, adam = optimizer.param_groups
    assert (sgd['algorithm'], sgd['lr'], sgd['momentum'], sgd['weight_decay']) == ('sgd', 0.3, 0.7, 0.2)
    assert (adam['lr'], adam['betas'], adam['eps'], adam['weight_decay']) == (0.3, (0.5, 0.6), 1e-3, 0.2)


def test_plain_parameters_take_sgd():
    ours, truth = parameters(), parameters()
    optimizer, other = SGDAdam(ours, lr=0.1), torch.optim.SGD(truth, lr=0.1, momentum=0.9)
    for seed in range(3):
        set_gradients(ours, seed)
        set_gradients(truth, seed)
        optimizer.step()
        other.step()
    for a, b in zip(ours, truth, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize('on_disk', [False, True])
def test_training_continues_identically_from_a_state_dict(tmp_path, on_disk):
    straight = parameters()
    optimizer = joint(straight)
    for seed in range(3):
        set_gradients(straight, seed)
        optimizer.step()
    state = copy.deepcopy(optimizer.state_dict())
    resumed = [nn.Parameter(value.detach().clone()) for value in straight]
    if on_disk:
        torch.save(state, tmp_path / 'state.pth')
        state = CheckpointLoader.load_checkpoint(str(tmp_path / 'state.pth'))
    other = joint(resumed)
    other.load_state_dict(state)
    for seed in range(3, 6):
        for values, used in ((straight, optimizer), (resumed, other)):
            set_gradients(values, seed)
            used.step()
    for a, b in zip(straight, resumed, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


@pytest.mark.parametrize(
    'make_copy', [copy.deepcopy, lambda x: torch.load(save(x), weights_only=False)], ids=['deepcopy', 'pickle']
)
def test_copies_step_on_their_own_parameters(make_copy):
    optimizer = joint(parameters())
    set_gradients([p for g in optimizer.param_groups for p in g['params']], 0)
    optimizer.step()
    other = make_copy(optimizer)
    before = [p.detach().clone() for g in optimizer.param_groups for p in g['params']]
    copied = [p for g in other.param_groups for p in g['params']]
    set_gradients(copied, 1)
    other.step()
    for old, own, theirs in zip(before, (p for g in optimizer.param_groups for p in g['params']), copied, strict=True):
        assert torch.equal(own, old) and not torch.equal(theirs, old)


def save(optimizer):
    buffer = io.BytesIO()
    torch.save(optimizer, buffer)
    buffer.seek(0)
    return buffer


def test_learning_rate_can_be_changed_later():
    values = parameters()
    optimizer = joint(values)
    for group in optimizer.param_groups:
        group['lr'] = 0.0
    set_gradients(values, 0)
    optimizer.step()
    for a, b in zip(values, parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize('algorithm', ['sgd', 'adam'])
def test_group_added_later_is_trained(algorithm):
    optimizer = joint(parameters())
    added, truth = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))
    optimizer.add_param_group(dict(params=[added], algorithm=algorithm, lr=0.1))
    other = torch.optim.SGD([truth], lr=0.1, momentum=0.9) if algorithm == 'sgd' else torch.optim.Adam([truth], lr=0.1)
    for _ in range(2):
        added.grad = truth.grad = torch.tensor([1.0, -2.0, 0.5])
        optimizer.step()
        other.step()
    torch.testing.assert_close(added, truth)


def test_step_returns_the_loss_of_a_closure():
    values = parameters()
    optimizer = joint(values)

    def closure():
        optimizer.zero_grad()
        loss = sum(value.square().sum() for value in values)
        loss.backward()
        return loss

    first = closure().item()
    assert optimizer.step(closure).item() == first
    assert closure().item() < first


def test_zero_grad_clears_all():
    values = parameters()
    optimizer = joint(values)
    set_gradients(values, 0)
    optimizer.zero_grad()
    assert all(value.grad is None for value in values)


def test_gradient_scaler_skips_steps_that_overflow():
    values = parameters()
    optimizer = joint(values)
    scaler = torch.amp.GradScaler('cpu', init_scale=4.0)
    for factor, changes in ((float('inf'), False), (1.0, True)):
        before = [value.detach().clone() for value in values]
        optimizer.zero_grad()
        scaler.scale(sum((factor * value).sum() for value in values)).backward()
        scaler.step(optimizer)
        scaler.update()
        assert all(torch.equal(a, b) != changes for a, b in zip(values, before, strict=True))


def test_accumulated_gradients_step_once():
    ours, truth = parameters(), parameters()
    wrapper = OptimWrapper(joint(ours), accumulative_counts=2)
    wrapper.initialize_count_status(nn.ParameterList(ours), 0, 4)
    others = apart(truth)
    for factor in (1.0, 3.0, 2.0, 5.0):
        wrapper.update_params(sum((factor * value.square()).sum() for value in ours))
    for mean in (2.0, 3.5):
        for other in others:
            other.zero_grad()
        sum((mean * value.square()).sum() for value in truth).backward()
        for other in others:
            other.step()
    for a, b in zip(ours, truth, strict=True):
        torch.testing.assert_close(a, b)


def test_unknown_algorithm_is_named():
    with pytest.raises(ValueError, match="one of sgd, adam, got 'lamb'"):
        SGDAdam([dict(params=parameters(), algorithm='lamb')])
