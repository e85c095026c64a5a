import logging
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.runner import Runner

from mmavs.engine import CheckpointClassesHook

PETS = ('background', 'cat', 'dog')


def hook_after(classes):
    hook = CheckpointClassesHook()
    hook.after_load_checkpoint(None, dict(meta=dict(dataset_meta=dict(classes=classes)), state_dict={}))
    return hook


def runner_with(classes, *, resume=False, logger=None):
    loader = SimpleNamespace(dataset=SimpleNamespace(metainfo=dict(classes=classes)))
    return SimpleNamespace(
        train_dataloader=loader, val_dataloader=loader, test_dataloader=loader, _load_from='a.pth', _resume=resume,
        logger=logger,
    )  # fmt: skip


@pytest.mark.parametrize('method, loader', [('before_val', 'val'), ('before_test', 'test')])
@pytest.mark.parametrize(
    'classes, difference',
    [
        (('background', 'cat', 'cow'), 'it has dog, the dataset has not; the dataset has cow, it has not'),
        (('background', 'cat'), 'it has dog, the dataset has not'),
        (('background', 'dog', 'cat'), 'the same in another order'),
    ],
)
def test_other_classes_are_refused_with_the_remedy(method, loader, classes, difference):
    hook = hook_after(list(PETS))
    with pytest.raises(ValueError, match=rf'a\.pth .*{difference}.*`class_file` of {loader}_dataloader.dataset'):
        getattr(hook, method)(runner_with(classes))


def test_the_same_classes_and_unknown_ones_pass():
    for hook in (hook_after(list(PETS)), hook_after(None), CheckpointClassesHook()):
        hook.before_test(runner_with(PETS))
    weights = CheckpointClassesHook()
    weights.after_load_checkpoint(None, dict(state_dict={}))
    weights.before_test(runner_with(('background', 'cow')))


def test_a_new_training_warns_and_a_resumed_one_is_refused(caplog):
    with pytest.raises(ValueError, match='other classes'):
        hook_after(PETS).before_train(runner_with(('background', 'cow'), resume=True))
    hook = hook_after(PETS)
    runner = runner_with(('background', 'cow'), logger=logging.getLogger('classes'))
    hook.before_train(runner)
    assert 'other classes' in caplog.text
    hook.before_val(runner)  # of the classes that it trains
    hook.before_test(runner)


class Constant(BaseModel):
    """Predicts nothing."""

    def __init__(self, outputs):
        super().__init__()
        self.head = torch.nn.Linear(1, outputs)

    def forward(self, **_):
        return [{}]


class Count(BaseMetric):
    def process(self, data_batch, data_samples):
        self.results.append(1)

    def compute_metrics(self, results):
        return dict(number=len(results))


class Names(torch.utils.data.Dataset):
    """No dataset of files is needed to have classes."""

    def __init__(self, classes):
        self.metainfo = dict(classes=classes)

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return {}


def test_in_a_run_of_the_runner(tmp_path):
    """As tools/test.py does it: the checkpoint of a training with other classes, of which nothing fits by chance."""
    path = tmp_path / 'epoch_1.pth'
    torch.save(dict(meta=dict(dataset_meta=dict(classes=PETS)), state_dict=Constant(3).state_dict()), path)

    def test(classes):
        loader = dict(batch_size=1, dataset=Names(classes), sampler=dict(type='DefaultSampler', shuffle=False))
        return Runner(
            model=Constant(len(classes)),
            work_dir=str(tmp_path / 'work'),
            test_dataloader=loader,
            test_cfg=dict(),
            test_evaluator=Count(),
            default_hooks=dict(classes=dict(type='CheckpointClassesHook'), logger=None, runtime_info=None),
            load_from=str(path),
            default_scope='mmseg',
            experiment_name='-'.join(classes),
            cfg=ConfigDict(),
        ).test()

    assert test(PETS) == dict(number=1)
    with pytest.raises(ValueError, match=r'epoch_1\.pth was trained with other classes: it has dog'):
        test(('background', 'cat'))
