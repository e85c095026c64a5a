import errno
import io
import os
import zipfile

import pytest
import torch
from mmengine.model import PretrainedInit
from mmengine.runner import load_checkpoint
from mmengine.runner.checkpoint import CheckpointLoader

from mmavs.engine import AtomicLocalBackend
from mmavs.engine.runner.checkpoint_files import (
    checked_local_files,
    find_checkpoint,
    find_damage,
    load_from_local,
    load_from_local_file,
    remove_parts,
)
from mmavs.utils import files


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / 'epoch_1.pth'
    torch.save(dict(meta={}, message_hub={}, state_dict=dict(weight=torch.arange(5000.0))), path)
    return path


def flip(content, at):
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def test_complete_checkpoint_has_no_damage(checkpoint):
    assert find_damage(checkpoint) is None


@pytest.mark.parametrize(
    'spoil, damage',
    [
        (lambda content: b'', 'the file is empty'),
        (lambda content: content[:-1], 'truncated'),
        (lambda content: content[: len(content) // 2], 'truncated'),
        (lambda content: b'<html>not found</html>', 'not a checkpoint'),
        (lambda content: bytes(len(content)), 'not a checkpoint'),  # as after a power failure with some file systems
        (lambda content: flip(content, len(content) // 2), 'the checksum of its entry'),
    ],
)
def test_damage_is_found_and_the_older_one_taken(checkpoint, spoil, damage):
    newer, warnings = checkpoint.with_name('epoch_2.pth'), []
    newer.write_bytes(spoil(checkpoint.read_bytes()))
    assert damage in find_damage(newer)
    os.utime(checkpoint, (10**9, 10**9))
    assert find_checkpoint(str(checkpoint.parent), warnings.append) == str(checkpoint)
    assert len(warnings) == 1 and str(newer) in warnings[0] and damage in warnings[0]


def bytes_of(content, **options):
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def other_archive():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as file:
        file.writestr('letter.txt', 'no weights')
    return buffer.getvalue()


@pytest.mark.parametrize(
    'content, reason',
    [
        (bytes_of([1, 2]), 'it holds a list, not a dict'),
        (bytes_of(dict(state_dict={})), 'it does not contain meta, message_hub'),
        (other_archive(), 'it cannot be loaded'),
    ],
)
def test_file_without_entries_for_resuming_is_skipped(checkpoint, content, reason):
    newer, warnings = checkpoint.with_name('epoch_2.pth'), []
    newer.write_bytes(content)
    os.utime(checkpoint, (10**9, 10**9))
    assert find_checkpoint(str(checkpoint.parent), warnings.append) == str(checkpoint)
    assert len(warnings) == 1 and f'{newer} is skipped: {reason}' in warnings[0]


LEGACY = bytes_of(dict(state_dict=dict(weight=torch.arange(5000.0))), _use_new_zipfile_serialization=False)


@pytest.mark.parametrize(
    'content, reason',
    [
        (bytes_of(dict(weight=torch.arange(5000.0)))[:2000], 'the file is truncated'),
        (flip(bytes_of(dict(weight=torch.zeros(5000))), 10000), 'the checksum of its entry'),
        (LEGACY[:1], 'the file is truncated'),
        (LEGACY[:100], 'the file is truncated'),
        (LEGACY[: len(LEGACY) // 2], 'the file is truncated'),
        (bytes_of([1, 2]), 'it holds a list, not a dict of weights'),
        (other_archive(), 'truncated or not a checkpoint'),
        (b'', 'the file is empty'),
    ],
)
def test_file_that_is_no_checkpoint_is_named_in_the_error(tmp_path, content, reason):
    path = tmp_path / 'bäckbone.ckpt'  # with any suffix
    path.write_bytes(content)
    layer = torch.nn.Linear(1, 1)
    with checked_local_files():
        for load in (CheckpointLoader.load_checkpoint, lambda name: load_checkpoint(layer, name)):
            with pytest.raises(
                ValueError, match=f'bäckbone.ckpt cannot be loaded: .*{reason}.* use another checkpoint'
            ):
                load(str(path))
        with pytest.raises(ValueError, match='bäckbone.ckpt cannot be loaded'):
            PretrainedInit(str(path))(layer)


def test_other_code_in_the_process_keeps_the_loader_of_mmengine(tmp_path):
    torch.save([1, 2], tmp_path / 'list.pth')
    with checked_local_files(), pytest.raises(ValueError, match='it holds a list'):
        CheckpointLoader.load_checkpoint(str(tmp_path / 'list.pth'))
    assert CheckpointLoader.load_checkpoint(str(tmp_path / 'list.pth')) == [1, 2]


def test_complete_checkpoints_of_both_formats_load(checkpoint):
    legacy = checkpoint.with_name('legacy.pth')
    legacy.write_bytes(LEGACY)
    for path in (checkpoint, legacy):
        weights = load_from_local_file(str(path))['state_dict']['weight']
        assert torch.equal(weights, torch.arange(5000.0))


def test_no_usable_checkpoint_is_an_error_and_no_checkpoint_is_none(checkpoint):
    checkpoint.write_bytes(b'')
    with pytest.raises(ValueError, match=r'epoch_1\.pth is skipped: the file is empty.*another --work-dir'):
        find_checkpoint(str(checkpoint.parent), lambda message: None)
    checkpoint.unlink()
    assert find_checkpoint(str(checkpoint.parent), pytest.fail) is None


def test_temporary_and_best_checkpoints_are_not_resumed_from(checkpoint):
    content = checkpoint.read_bytes()
    for name in ('epoch_2.pth.part', 'best_mIoU_epoch_3.pth', 'epoch_4.pth.bak'):
        checkpoint.with_name(name).write_bytes(content)
    assert find_checkpoint(str(checkpoint.parent), pytest.fail) == str(checkpoint)


def test_checkpoints_in_another_folder_are_found(checkpoint, tmp_path):
    """``default_hooks.checkpoint.out_dir`` of the training; a file in the work dir names the folder."""
    work_dir = tmp_path / 'wörk dir'
    work_dir.mkdir()
    (work_dir / 'last_checkpoint').write_text(str(checkpoint))
    assert find_checkpoint(str(work_dir), pytest.fail) == str(checkpoint)


def test_full_disk_is_named_and_the_earlier_file_is_kept(checkpoint, small_disk):
    before = checkpoint.read_bytes()
    with small_disk(1000), pytest.raises(OSError, match=r'cannot write .*epoch_1\.pth.*choose another --work-dir'):
        AtomicLocalBackend().put(bytes(5000), checkpoint)
    assert os.listdir(checkpoint.parent) == [checkpoint.name] and checkpoint.read_bytes() == before


def test_read_only_folder_is_named(checkpoint, monkeypatch):
    def read_only(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(files.os, 'replace', read_only)
    with pytest.raises(OSError, match=r'cannot write .*epoch_1\.pth: Read-only file system; allow writing there'):
        AtomicLocalBackend().put(b'new', checkpoint)
    assert os.listdir(checkpoint.parent) == [checkpoint.name] and find_damage(checkpoint) is None


def test_only_temporary_files_of_killed_trainings_are_removed(checkpoint):
    for name in ('epoch_2.pth.part', 'best_mIoU_epoch_2.pth.part', 'notes.part', 'epoch_3.pth'):
        checkpoint.with_name(name).write_bytes(b'')
    remove_parts(str(checkpoint.parent))
    assert sorted(os.listdir(checkpoint.parent)) == ['epoch_1.pth', 'epoch_3.pth', 'notes.part']


def test_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere.pth'):
        load_from_local(tmp_path / 'nowhere.pth')
