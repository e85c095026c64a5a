import errno
import os
import shutil
from pathlib import Path

import pytest
from vpo_sources import rows_of, tree

from mmavs.data_tools.vpo_builder import build_vpo, output
from mmavs.utils import files


@pytest.mark.parametrize('stop_at', [1, 20, 60])
def test_interrupted_build_resumes(varied, monkeypatch, stop_at):
    paths = varied.write()
    build_vpo('all', **paths)
    whole = tree(paths['out'])
    shutil.rmtree(paths['out'])
    written = []
    draw_mask = output.draw_mask

    def interrupt(*args, **kwargs):
        written.append(1)
        if len(written) == stop_at:
            raise KeyboardInterrupt
        return draw_mask(*args, **kwargs)

    monkeypatch.setattr(output, 'draw_mask', interrupt)
    with pytest.raises(KeyboardInterrupt):
        build_vpo('all', **paths)
    begun = tree(paths['out'])
    assert not any(name.endswith('.part') for name in begun)
    assert set(begun) < set(whole)
    build_vpo('all', **paths)
    assert tree(paths['out']) == whole
    assert len(written) == 1 + sum(name.endswith('.png') for name in whole)  # only what was missing


def test_deleted_files_are_written_again(built):
    _, paths = built
    whole = tree(paths['out'])
    for name in list(whole)[::3]:
        if not name.endswith('.plan.json'):
            os.unlink(Path(paths['out']) / name)
    build_vpo('all', **paths)
    assert tree(paths['out']) == whole


def test_folder_of_another_build_is_refused(varied):
    paths = varied.write()
    build_vpo('all', **paths)
    before = tree(paths['out'])
    for options in ({'seed': 1}, {'test_fraction': 0.4}):
        with pytest.raises(ValueError, match='VPO-SS.*--overwrite'):
            build_vpo('ss', **paths, **options)
        with pytest.raises(ValueError, match="VPO-M.*'all'"):  # the subsets share one division
            build_vpo('ss', **paths, **options, overwrite=True)
    assert tree(paths['out']) == before
    build_vpo('all', **paths, seed=1, overwrite=True)
    after = tree(paths['out'])
    shutil.rmtree(paths['out'])
    build_vpo('all', **paths, seed=1)
    fresh = tree(paths['out'])
    assert {k: v for k, v in after.items() if k.startswith('VPO')} == {
        k: v for k, v in fresh.items() if k.startswith('VPO')
    }


def test_folder_of_unknown_origin_is_refused(varied):
    paths = varied.write()
    released = Path(paths['out']) / 'VPO-SS' / 'vpo_ss_data_stereo.csv'
    released.parent.mkdir(parents=True)
    released.write_text('precious')
    with pytest.raises(ValueError, match='not built by this tool'):
        build_vpo('all', **paths)
    assert released.read_text() == 'precious'


def test_changed_sources_do_not_mix_with_an_old_build(varied):
    paths = varied.write()
    build_vpo('ms', **paths)
    os.unlink(Path(paths['images'][0]) / f'{rows_of(paths["out"], "ms")[0]["img_Id"]}.jpg')
    with pytest.raises(ValueError, match='other images or recordings'):
        build_vpo('ms', **paths)
    build_vpo('ms', **paths, overwrite=True)


@pytest.mark.parametrize('after', [0, 5, 45, 130])
def test_full_disk_leaves_no_incomplete_file(varied, monkeypatch, after):
    paths = varied.write()
    replaced = []
    replace = os.replace

    def full(source, target):
        replaced.append(target)
        if len(replaced) > after:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)

    monkeypatch.setattr(files.os, 'replace', full)
    with pytest.raises(OSError, match='No space left.*--out'):
        build_vpo('all', **paths)
    monkeypatch.undo()
    begun = tree(paths['out'])
    assert not any(name.endswith('.part') for name in begun)
    build_vpo('all', **paths)
    assert begun.items() <= tree(paths['out']).items()
