import pytest
from mmengine.registry import Registry

from mmavs.utils.deprecation import register_deprecated
from mmavs.utils.nearest import nearest_hint


class Square:
    def __init__(self, side, *, unit='m'):
        self.side, self.unit = side, unit


def test_former_name_builds_with_a_warning():
    registry = Registry('shape')
    registry.register_module(module=Square)
    register_deprecated(registry, 'Quad', 'Square', Square)
    with pytest.warns(FutureWarning, match="'Quad' is deprecated .*use 'Square'"):
        built = registry.build(dict(type='Quad', side=2, unit='cm'))
    assert type(built) is Square and (built.side, built.unit) == (2, 'cm')


def test_nearest_name_is_suggested_only_if_similar():
    assert nearest_hint('audio_lrr', ['audio_lr', 'head_keys']) == "; did you mean 'audio_lr'?"
    assert nearest_hint('zzz', ['audio_lr', 'head_keys']) == ''
