from types import SimpleNamespace

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn

from mmavs.engine import CheckpointWeightsHook

RESUMABLE = dict(meta={}, message_hub={})


class Classifier(BaseModel):
    """Predicts nothing."""

    def __init__(self, classes):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
        self.conv_seg = nn.Conv2d(2, classes, 1)

    def forward(self, **_):
        return [{}]


def load(checkpoint, *, model=None, resume=False):
    hook = CheckpointWeightsHook()
    runner = SimpleNamespace(model=model or Classifier(3), _load_from='a.pth', _resume=resume)
    hook.after_load_checkpoint(runner, checkpoint)
    return hook


def without(state, *names):
    return {name: value for name, value in state.items() if not name.endswith(names)}


OTHER_CLASSES = r'lacks 2 of 8 weights.*: conv_seg\.weight \(shape \(5, 2, 1, 1\) in place of \(3, 2, 1, 1\)\), conv_s'
REFUSAL = r'a\.pth does not fit the model: it {}.* Take the config .*model\.decode_head\.num_classes'


@pytest.mark.parametrize('method', ['before_val', 'before_test'])
@pytest.mark.parametrize(
    'checkpoint, lack',
    [
        (dict(state_dict=Classifier(5).state_dict()), OTHER_CLASSES),
        (Classifier(5).state_dict(), OTHER_CLASSES),  # weights alone
        (dict(state_dict={}), r'lacks 8 of 8 weights.*: body\.0\.weight, body\.0\.bias, body\.1\.weight, \.\.\.'),
        (dict(model=Classifier(3).state_dict()), 'lacks 8 of 8 weights'),  # of another project
        (without(Classifier(3).state_dict(), 'running_var'), r'lacks 1 of 8 .*: body\.1\.running_var'),
    ],
)
def test_a_model_that_is_partly_at_random_is_refused(method, checkpoint, lack):
    hook = load(checkpoint)
    with pytest.raises(ValueError, match=REFUSAL.format(lack)):
        getattr(hook, method)(None)


def test_it_is_not_resumed_from_either():
    with pytest.raises(ValueError, match=REFUSAL.format(OTHER_CLASSES)):
        load(dict(state_dict=Classifier(5).state_dict(), **RESUMABLE), resume=True)


def test_what_fits_passes_whatever_wraps_the_model():
    state = Classifier(3).state_dict()
    for given in (state, {f'module.{name}': value for name, value in state.items()}, {**state, 'other': torch.ones(1)}):
        for model in (Classifier(3), nn.DataParallel(Classifier(3))):
            hook = load(dict(state_dict=without(given, 'num_batches_tracked'), **RESUMABLE), model=model, resume=True)
            hook.before_test(None)


def test_a_new_training_may_begin_with_a_part():
    hook = load(dict(state_dict={}))
    hook.before_train(None)
    hook.before_val(None)  # of the model that it trains


def test_weights_alone_are_not_resumed_from():
    with pytest.raises(ValueError, match=r'a\.pth has no meta, message_hub, .*load_from without resume'):
        load(dict(state_dict=Classifier(3).state_dict()), resume=True)


class Count(BaseMetric):
    def process(self, data_batch, data_samples):
        self.results.append(1)

    def compute_metrics(self, results):
        return dict(number=len(results))


def test_in_a_run_of_the_runner(tmp_path):
    path = tmp_path / 'weights.pth'
    torch.save(dict(state_dict=Classifier(5).state_dict()), path)

    def test(classes):
        return Runner(
            model=Classifier(classes),
            work_dir=str(tmp_path / 'work'),
            test_dataloader=dict(batch_size=1, dataset=[{}], sampler=dict(type='DefaultSampler', shuffle=False)),
            test_cfg=dict(),
            test_evaluator=Count(),
            default_hooks=dict(weights=dict(type='CheckpointWeightsHook'), logger=None, runtime_info=None),
            load_from=str(path),
            default_scope='mmseg',
            experiment_name=f'weights_{classes}',
            cfg=ConfigDict(),
        ).test()

    assert test(5) == dict(number=1)
    with pytest.raises(ValueError, match=r'weights\.pth does not fit the model: it lacks 2 of 8'):
        test(3)
