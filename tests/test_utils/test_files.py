import errno
import os

import pytest

from mmavs.data_tools.vpo_builder.cache import ResultCache
from mmavs.utils import files
from mmavs.utils.files import atomic_file, make_output_folder, place_file, write_text


def test_file_gets_its_name_when_it_is_complete(tmp_path):
    path = tmp_path / 'new' / 'file.txt'
    with atomic_file(str(path)) as part:
        open(part, 'w').write('text')
        assert not path.exists()
    assert path.read_text() == 'text'
    assert os.listdir(path.parent) == ['file.txt']


def test_failure_keeps_the_old_file_only(tmp_path):
    path = tmp_path / 'file.txt'
    write_text(str(path), 'old')
    with pytest.raises(RuntimeError), atomic_file(str(path)) as part:
        open(part, 'w').write('half of it')
        raise RuntimeError
    assert path.read_text() == 'old'
    assert os.listdir(tmp_path) == ['file.txt']


def test_output_folder_is_made_and_left_empty(tmp_path):
    for _ in range(2):
        make_output_folder(str(tmp_path / 'new' / 'folder'))
    assert os.listdir(tmp_path / 'new' / 'folder') == []


@pytest.mark.parametrize('name', ['file', 'file/below', 'file/far/below'])
def test_a_file_in_the_way_of_an_output_folder_is_named_with_the_remedy(tmp_path, name):
    (tmp_path / 'file').write_text('mine')
    with pytest.raises(OSError, match=rf'cannot write .*{name}: .*; a file has this name: .* another --work-dir') as e:
        make_output_folder(str(tmp_path / name), '--work-dir')
    assert 'not repeated' not in str(e.value)


@pytest.mark.parametrize('function', ['os.makedirs', 'tempfile.TemporaryFile'])  # a new folder, one that is there
def test_read_only_output_folder_is_named_with_the_remedy(tmp_path, monkeypatch, function):
    def read_only(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(f'{files.__name__}.{function}', read_only)
    with pytest.raises(OSError, match=r'cannot write \S+: Read-only file system; allow writing .*--out'):
        make_output_folder(str(tmp_path))


def test_full_disk_is_reported_with_file_and_remedy(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, 'replace', full)
    with pytest.raises(OSError, match='file.txt.*No space left.*--out') as error:
        write_text(str(tmp_path / 'file.txt'), 'text')
    assert error.value.errno == errno.ENOSPC
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize('mode', files.COPY_MODES)
def test_placed_file_equals_the_source_despite_leftovers(tmp_path, mode):
    source, target = tmp_path / 'source', tmp_path / 'folder' / 'target'
    source.write_bytes(b'content')
    target.parent.mkdir()
    (target.parent / 'target.part').write_bytes(b'of a run that was killed')
    for _ in range(2):
        place_file(str(source), str(target), mode)
        assert target.read_bytes() == b'content'
        assert os.listdir(target.parent) == ['target']
    assert target.is_symlink() == (mode == 'symlink')
    assert target.samefile(source) == (mode != 'copy')


def test_cache_keeps_values_for_the_same_file_only(tmp_path):
    path = str(tmp_path / 'cache.jsonl')
    with ResultCache(path, 'a') as cache:
        cache.put('x', [1, 2], 'value')
        cache.put('y', [1, 2], '')
    with ResultCache(path, 'a') as cache:
        assert cache.get('x', [1, 2]) == 'value'
        assert cache.get('x', [1, 3]) is None
        assert cache.get('y', [1, 2]) == ''
    with ResultCache(path, 'b') as cache:
        assert cache.get('x', [1, 2]) is None


def test_cache_survives_a_kill(tmp_path):
    path = tmp_path / 'cache.jsonl'
    cache = ResultCache(str(path), 'a')
    cache.put('x', [1, 2], 'value')  # and no regular end
    with open(path, 'a') as f:
        f.write('["y", [1, 2], "va')
    with ResultCache(str(path), 'a') as cache:
        assert cache.get('x', [1, 2]) == 'value'
        assert cache.get('y', [1, 2]) is None
