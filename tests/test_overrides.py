"""The overrides (`--cfg-options KEY=VALUE`) that the pages name take effect in the configs for which they are named."""

import argparse
import inspect
import re

import pytest
import torch
from av_model import without_downloads
from mmengine.config import DictAction
from mmengine.registry import DefaultScope
from mmseg.registry import DATASETS, HOOKS, METRICS, MODELS, TRANSFORMS, WEIGHT_INITIALIZERS
from shipped_configs import CONFIGS, load
from test_readme import PAGES, commands, read

VPO, AVSS = (f'cavp/{name}-512x512.py' for name in ('cavp_r50-d8_2xb8-80e_vpo-msmi', 'cavp_r50-d16_1xb16-80e_avss'))
OWN = 'cavp/cavp_r50-d8_2xb8-80e_vpo-own-512x512.py'
REGISTRIES = (MODELS, METRICS, DATASETS, TRANSFORMS, HOOKS, WEIGHT_INITIALIZERS)
TOP_LEVEL = ('compile', 'sync_bn')
"""Keys that no config states, but the runner reads."""


def overrides_of_commands():
    """(config, overrides) of each command in the pages."""
    for parameter in commands():
        (words,) = parameter.values
        if '--cfg-options' in words:
            config = next((word for word in words if word.startswith('configs/')), None)
            options = words[words.index('--cfg-options') + 1 :]
            options = [word for word in options if re.match(r'[a-z_][\w.]*=', word)]
            if config and '...' not in ''.join(options):
                yield pytest.param(config.removeprefix('configs/'), options, id=f'{config[13:40]} {options[0]}')


def overrides_in_text():
    """(page, override) of each `key.key=value` in the text of the pages; bare keys have no effect to check."""
    found = {}
    for page in PAGES:
        text = re.sub(r'```.*?```', '', read(page), flags=re.DOTALL)
        for code in re.findall(r'`([^`\n]+)`', text):
            for word in code.removeprefix('--cfg-options ').split():
                if re.fullmatch(r'[a-z_]\w*(\.\w+)+=[\w.\']+', word):
                    found.setdefault(word, page)
    return sorted(found)


def configs_for(override):
    """Those for which a page names an override: of AVSBench where it has a list of metrics, else of both."""
    if 'class_file' in override:
        return [VPO]
    if '_evaluator.' in override:
        return [AVSS] if '_evaluator.0.' in override else [VPO]
    return [VPO, AVSS]


def parse(words):
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_args(['--cfg-options', *words]).cfg_options


def accepts(kind, name):
    """True if a class has an argument, or a base class has it and ``**kwargs`` pass it on."""
    if (
        kind.__name__ == 'TIMMBackbone'
        and name in inspect.signature(pytest.importorskip('timm').create_model).parameters
    ):
        return True  # mmseg passes it on
    for base in inspect.getmro(kind):
        parameters = inspect.signature(base.__init__).parameters if '__init__' in vars(base) else {}
        if name in parameters:
            return True
        if parameters and not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            return False
    return False


def find_class(name):
    return next(found for registry in REGISTRIES if (found := registry.get(name)) is not None)


def check(config, key, value):
    """The merged config has the value, and an argument of what is built from it takes it."""
    cfg = load(config)
    before = cfg.to_dict()
    cfg.merge_from_dict({key: value})
    *path, last = key.split('.')
    node, owner, argument = cfg, None, None
    for step, following in zip(path, [*path[1:], last], strict=True):
        node = node[int(step)] if isinstance(node, list) else node[step]
        if isinstance(node, dict) and 'type' in node:
            owner, argument = node, following
    assert node[last] == value
    if owner is None:
        first = (path or [last])[0]
        assert first in before or first in TOP_LEVEL, f'nothing reads {key}'
    elif argument != 'type':
        kind = find_class(owner['type'])
        assert accepts(kind, argument), f'{kind.__name__} takes no {argument}'
    if path and path[0].endswith('_evaluator'):
        assert getattr(METRICS.build(node), last) == value
    elif len(path) == 2 and path[0] == 'model':
        check_part(cfg, path[1], last, value)


def check_part(cfg, name, last, value):
    """Builds a part of the model and, if it keeps the argument under its name, compares."""
    options = without_downloads(cfg.model.to_dict())[name]
    with torch.device('meta'):
        part = MODELS.build(options)
    if last == 'type':
        assert type(part).__name__ == value
    elif last != 'init_cfg' and hasattr(part, last):
        assert getattr(part, last) == value


@pytest.fixture(autouse=True)
def _scope():
    with DefaultScope.overwrite_default_scope('mmseg'):
        yield


def test_overrides_are_found():
    assert {'model.fusion.activation=softmax', 'test_evaluator.0.absent=zero'} <= set(overrides_in_text())
    assert len(list(overrides_of_commands())) >= 5


@pytest.mark.parametrize('config, words', list(overrides_of_commands()))
def test_overrides_of_a_command_take_effect(config, words):
    assert (CONFIGS / config).is_file()
    for key, value in parse(words).items():
        check(config, key, value)


@pytest.mark.parametrize('override', overrides_in_text())
def test_override_in_the_text_takes_effect(override):
    ((key, value),) = parse([override]).items()
    for config in configs_for(override):
        check(config, key, value)


@pytest.mark.parametrize('config, key', [(VPO, 'test_evaluator.absent'), (AVSS, 'test_evaluator.0.absent')])
def test_absent_classes_count_zero_in_a_test(config, key):
    """A regression test: `val_evaluator.absent` had no effect in a test, and failed on AVSBench."""
    cfg = load(config)
    cfg.merge_from_dict({key: 'zero'})
    evaluators = cfg.test_evaluator if isinstance(cfg.test_evaluator, list) else [cfg.test_evaluator]
    metric = METRICS.build(evaluators[0])
    metric.dataset_meta = dict(classes=('background', 'cat', 'dog'))
    label = dict(data=torch.tensor([[[0, 0, 1, 1]]]))
    metric.process({}, [dict(pred_sem_seg=label, gt_sem_seg=label, img_path='a.jpg')])
    assert metric.evaluate(size=1)['mIoU'] == pytest.approx(200 / 3, abs=0.01)
