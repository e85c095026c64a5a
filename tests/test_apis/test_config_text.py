"""The config in a checkpoint is read as data: what a training writes is read, everything else is refused."""

import math

import pytest
from mmengine.config import Config
from shipped_configs import LEAVES

from mmavs.apis.config_text import ConfigTextError, check_types, parse_config_text, read_config_text


@pytest.mark.parametrize('path', LEAVES[:: max(1, len(LEAVES) // 6)], ids=lambda path: path.stem)
def test_text_of_shipped_config_gives_its_values(path):
    cfg = Config.fromfile(path)
    parsed = parse_config_text(cfg.pretty_text, 'a.pth')
    assert parsed.to_dict() == cfg.to_dict()
    check_types(parsed.model, 'a.pth')
    check_types(parsed.test_dataloader.dataset.pipeline, 'a.pth')


def test_values_of_all_kinds():
    text = "a = dict(b=[1, -2.5, None, True], c=(3, ), d={'x.y': 'z'})\ne = inf\nf = dict({'p.q': {1, 2}}, r=-inf)\n"
    assert parse_config_text(text, 'a.pth').to_dict() == dict(
        a=dict(b=[1, -2.5, None, True], c=(3,), d={'x.y': 'z'}), e=math.inf, f={'p.q': {1, 2}, 'r': -math.inf}
    )


@pytest.mark.parametrize(
    'line',
    [
        "open({path!r}, 'w').write('x')",
        "a = open({path!r}, 'w').write('x')",
        "a = dict(b=open({path!r}, 'w').write('x'))",
        "a = [__import__('pathlib').Path({path!r}).touch()]",
        'import os',
        "a = f'{{open({path!r}, 'w')}}'",
        'a = dict(**b)',
        'a = dict([(1, 2)])',
        'a, b = 1, 2',
        'a = [i for i in (1, 2)]',
        'a = b',
        'a.b = 1',
        'a = -"x"',
        'if True:\n    a = 1',
        'a = {{[1]: 2}}',
        'a = ' + '-' * 4000 + '1',
    ],
)
def test_code_raises_an_error_and_is_not_executed(tmp_path, line):
    path = tmp_path / 'written'
    with pytest.raises(ConfigTextError, match=r'a\.pth .*Pass the config file'):
        parse_config_text('model = dict()\n' + line.format(path=str(path)), 'a.pth')
    assert not path.exists()


def test_refusal_names_the_line():
    with pytest.raises(ConfigTextError, match=r"line 2: 'print\(1\)'"):
        parse_config_text('a = 1\nprint(1)', 'a.pth')


@pytest.mark.parametrize('text', ['a = (', 'a = 1\x00', '(' * 500])
def test_invalid_text_is_refused(text):
    with pytest.raises(ConfigTextError, match='not valid Python'):
        parse_config_text(text, 'a.pth')


@pytest.mark.parametrize('name', ['subprocess.check_call', 'os', 'mmengine.load', 'mmengine.utils.X', 'x.ResNet', 3])
def test_unregistered_type_is_refused(name):
    with pytest.raises(ConfigTextError, match='not a registered module'):
        check_types(dict(type='AVEncoderDecoder', parts=[dict(type=name)]), 'a.pth')


def test_registered_types_with_and_without_scope_are_accepted():
    check_types([dict(type='mmseg.ResNet', norm_cfg=dict(type='BN')), dict(type='mmavs.CAVPLoss')], 'a.pth')


def test_text_is_taken_from_message_hub_first():
    checkpoint = dict(message_hub=dict(runtime_info=dict(cfg='a = 1')), meta=dict(cfg='a = 2'))
    assert read_config_text(checkpoint, 'a.pth') == 'a = 1'
    assert read_config_text(dict(meta=dict(cfg='a = 2')), 'a.pth') == 'a = 2'
    assert read_config_text({}, 'a.pth') is None
