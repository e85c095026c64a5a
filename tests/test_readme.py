"""The commands, links and names in the pages are valid."""

import os
import re
import runpy
import shlex
import sys
from functools import lru_cache
from itertools import dropwhile
from pathlib import Path

import mmengine.registry
import mmseg.registry
import mmseg.utils
import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    str(path.relative_to(ROOT))
    for pattern in ('*.md', 'docs/*.md', 'data/*.md', 'configs/*/README.md', 'tools/*/README.md')
    for path in ROOT.glob(pattern)
)
OWN_FILES = ('my_config.py',)  # a reader's own, which a page shows


def read(page):
    return (ROOT / page).read_text(encoding='utf-8')


def commands():
    """(words) of every command in a bash block, and of every tool with options in the text."""
    for page in PAGES:
        text = read(page)
        lines = [line for block in re.findall(r'```bash\n(.*?)```', text, flags=re.DOTALL) for line in split(block)]
        lines += re.findall(r'`(python tools/[^`]+)`', re.sub(r'```.*?```', '', text, flags=re.DOTALL))
        for line in lines:
            words = shlex.split(line, comments=True)
            words = list(dropwhile(lambda word: re.match(r'[A-Z_]+=', word), words))  # variables of the environment
            if words:
                yield pytest.param(words, id=f'{page}: {" ".join(words)[:60]}')


def split(block):
    """The commands of a block, without assignments of a command's output to a variable."""
    lines = block.replace('\\\n', ' ').replace('$MMAVS/', '').splitlines()
    return [line for line in lines if not re.match(r'\w+=\$\(', line)]


@lru_cache
def load_tool(path):
    """The names that a tool defines."""
    search_path = list(sys.path)
    sys.path.insert(0, str((ROOT / path).parent))
    try:
        return runpy.run_path(str(ROOT / path))
    finally:
        sys.path[:] = search_path


def check_tool(words, monkeypatch):
    """The tool's own parser takes the words, and the configs among them exist."""
    path, *words = words
    assert (ROOT / path).is_file(), path
    if path.endswith('.sh'):  # config, (checkpoint,) number of processes, options
        path = path.replace('dist_', '').replace('.sh', '.py')
        del words[2 if path.endswith('test.py') else 1]
    for word in words:
        if word.startswith('configs/') and word.endswith('.py'):
            assert (ROOT / word).is_file(), word
    words = [word for word in words if word != '...']
    if words == [] and path not in MAY_RUN_WITHOUT_ARGUMENTS:
        return  # the text only names the tool
    monkeypatch.setattr(sys, 'argv', [path, *words])
    try:
        load_tool(path)['parse_args']()
    except SystemExit as end:
        assert end.code in (None, 0), f'{path} does not accept {" ".join(words)}'


MAY_RUN_WITHOUT_ARGUMENTS = (
    'tools/dataset_converters/make_mini.py',
    'tools/dataset_converters/make_mini_avsbench.py',
    'tools/benchmarks/run_all.py',
)


def check_make(words):
    for target in words:
        assert re.search(rf'^{target}:', read('Makefile'), flags=re.MULTILINE) or '=' in target, target


def check_pip(words):
    assert words[0] == 'install', words
    for i, word in enumerate(words):
        if word == '-c':
            assert (ROOT / words[i + 1]).is_file(), words[i + 1]
        for extra in re.findall(r'\[(\w+)\]', word):
            assert f"'{extra}': [" in read('setup.py'), f'no extra {extra}'


def check_pytest(words):
    for word in words:
        assert not word.startswith('tests/') or (ROOT / word).exists(), word
    markers = re.findall(r'not (\w+)', ' '.join(words))
    assert all(f'"{marker}: ' in read('pyproject.toml') for marker in markers), markers


@pytest.mark.parametrize('words', list(commands()))
def test_command(words, monkeypatch, capsys):
    program, *rest = words
    if program == 'python' and rest[0] == '-c':
        compile(rest[1], 'python -c', 'exec')
    elif program in ('python', 'bash'):
        check_tool(rest, monkeypatch)
    elif program in ('make', 'pip', 'pytest'):
        dict(make=check_make, pip=check_pip, pytest=check_pytest)[program](rest)
    else:
        assert program in ('source', 'pre-commit', 'tensorboard'), f'unknown command {program}'


@pytest.mark.parametrize('page', PAGES)
def test_links(page):
    folder = (ROOT / page).parent
    for target in re.findall(r'\]\((?!https?://|#)([^)#]+)', read(page)):
        assert os.path.exists(folder / target), f'{page} links to {target}'


@pytest.mark.parametrize('page', PAGES)
def test_anchors(page):
    """Links to a heading have the name that GitHub gives it."""
    for target, anchor in re.findall(r'\]\(((?!https?://)[^)#\s]*)#([^)]+)\)', read(page)):
        text = ((ROOT / page).parent / target if target else ROOT / page).read_text(encoding='utf-8')
        heads = re.findall(r'^#+ (.*)$', text, flags=re.MULTILINE)
        names = {re.sub(r'[^\w\- ]', '', re.sub(r'\]\([^)]*\)', '', head)).lower().replace(' ', '-') for head in heads}
        assert anchor in names, f'{page}: no heading for #{anchor}'


def test_every_page_of_docs_is_linked_from_the_readme():
    linked = set(re.findall(r'\]\((docs/\w+\.md)', read('README.md')))
    assert linked == {page for page in PAGES if page.startswith('docs/')}


def test_readme_is_short():
    assert len(read('README.md').splitlines()) <= 150


def test_pythons_agree():
    """README, setup.py, Makefile, CI and the version matrix name the same Pythons."""
    versions = re.findall(r"Python :: (3\.\d+)'", read('setup.py'))
    span = f'{versions[0]} to {versions[-1]}'
    for page in ('README.md', 'docs/install.md', 'docs/versions.md', 'Makefile', '.ci/run'):
        assert span in read(page), f'{page} does not name Python {span}'
    stacks = read('.dev_scripts/matrix/stacks.py')
    assert all(f"python='{version}'" in stacks for version in versions if version != '3.11')  # 3.11: the default


@pytest.mark.parametrize('page', [page for page in PAGES if page != 'CHANGELOG.md'])
def test_modules_named_in_text_are_registered(page):
    """Names in code font that end like a registered class are one, or are defined in a snippet of the page."""
    text = read(page)
    kinds = (
        'Dataset|Loss|Metric|Fusion|Sampler|Backend|Hook|Runner|Head|Neck|Preprocessor|PreProcessor|Model|Audio|Loop'
    )
    names = set(re.findall(rf'`([A-Z]\w*(?:{kinds}))`', text)) | set(re.findall(r"type='(\w+)'", text))
    known = {name for module in (mmengine.registry, mmseg.registry) for name in registered(module)}
    unknown = {name for name in names - known if f'class {name}(' not in text}
    assert not unknown, f'{page} names {sorted(unknown)}, which no registry has'


def registered(module):
    registries = (value for value in vars(module).values() if isinstance(value, mmengine.registry.Registry))
    return {name for registry in registries for name in registry.module_dict}
