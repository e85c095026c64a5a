"""Output folders that cannot be written, and unusual folder names."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from vpo_sources import SourceSet, samples_of, tree

from mmavs.data_tools.vpo_builder import build_vpo
from mmavs.data_tools.vpo_builder.output import SampleJob, write_sample
from mmavs.utils import files


def make(root, images=6):
    source = SourceSet(root).recordings(['cat', 'dog'])
    for i in range(1, images + 1):
        source.image(i, ('cat', 4, 4, 20, 20), ('dog', 30, 4, 50, 20), suffix=('jpg', 'png')[i % 2])
    return source.write(test_fraction=0.5)


@pytest.mark.parametrize('size', [10, 250, 1000, 3000, 5000])
def test_limit_of_the_disk_leaves_no_incomplete_file(tmp_path, small_disk, size):
    """The limits end the build at the lists, at copied images and at encoded images."""
    paths = make(tmp_path / 'source')
    whole = build_vpo('ms', **{**paths, 'out': str(tmp_path / 'whole')})
    with small_disk(size), pytest.raises(OSError, match=r'cannot write .*: File too large; make room .* --out'):
        build_vpo('ms', **paths)
    begun = tree(paths['out'])
    assert begun.items() <= tree(tmp_path / 'whole').items()
    assert not any('.part' in name for name in begun)
    assert build_vpo('ms', **paths) == whole
    assert tree(paths['out']) == tree(tmp_path / 'whole')


def test_full_disk_while_encoding_an_image_names_the_file(tmp_path, small_disk):
    Image.fromarray(np.random.randint(0, 255, (64, 64, 3), np.uint8)).save(tmp_path / 'a.png')
    job = SampleJob(
        str(tmp_path / 'a.png'), str(tmp_path / 'o' / 'a.jpg'), str(tmp_path / 'o' / 'm.png'), [], 64, 64, 'copy'
    )
    with small_disk(1000), pytest.raises(OSError, match=r'cannot write .*a\.jpg: File too large.*--out'):
        write_sample(job)
    assert os.listdir(tmp_path / 'o') == []


@pytest.mark.parametrize('error', [errno.EACCES, errno.EROFS])
def test_read_only_folder_is_named_with_the_remedy(tmp_path, monkeypatch, error):
    paths = make(tmp_path / 'source')

    def read_only(path, *_, **__):
        raise OSError(error, os.strerror(error), path)

    monkeypatch.setattr(files.os, 'makedirs', read_only)
    with pytest.raises(OSError, match=rf'cannot write {paths["out"]}.*allow writing there or choose another --out'):
        build_vpo('ms', **paths)
    assert not os.path.exists(paths['out'])


@pytest.mark.skipif(os.geteuid() == 0, reason='permissions do not apply to root; the test above replaces this one')
def test_folder_without_permission(tmp_path):
    paths = make(tmp_path / 'source')
    Path(paths['out']).mkdir(mode=0o555)
    with pytest.raises(PermissionError, match='allow writing there'):
        build_vpo('ms', **paths)
    assert os.listdir(paths['out']) == []


@pytest.mark.parametrize('copy_mode', files.COPY_MODES)
def test_folders_with_blanks_and_letters_of_any_alphabet(tmp_path, copy_mode):
    plain, odd = make(tmp_path / 'plain'), make(tmp_path / "Säge's 音  set")
    build_vpo('all', **plain, copy_mode=copy_mode)
    build_vpo('all', **{**odd, 'out': str(tmp_path / 'mein Wérk ß')}, copy_mode=copy_mode)
    assert tree(tmp_path / 'mein Wérk ß') == tree(plain['out'])
    for _, image, mask in samples_of(tmp_path / 'mein Wérk ß', 'ms'):
        assert Image.open(image).size == Image.open(mask).size
