"""tools/dataset_converters/resample_audio.py, as a user calls it."""

import errno
import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from vpo_tree import write_vpo_tree

from mmavs.datasets import VPODataset

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'dataset_converters' / 'resample_audio.py'


@pytest.fixture
def tool():
    spec = importlib.util.spec_from_file_location('resample_audio_tool', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(tool, *words):
    with pytest.raises(SystemExit) as ended:
        tool.main([str(w) for w in words])
    return ended.value.code


def test_copies_and_audio_dir_give_the_same_samples(tool, tmp_path, capsys):
    root = write_vpo_tree(tmp_path / 'my VPO', num_images=3)
    audios, out = root / 'VGGSound' / 'audios', root / 'VGGSound' / 'audios_16k'
    assert not run(tool, audios, '--out', out, '--workers', 1)
    assert '5 written, 0 existed already, 0 left out' in capsys.readouterr().out
    pipeline = [dict(type='LoadAudio', duration=2.0)]
    plain, copies = (
        VPODataset('ms', data_root=str(root), pipeline=pipeline, **kwargs)[0]['audio']
        for kwargs in ({}, dict(audio_dir='VGGSound/audios_16k'))
    )
    torch.testing.assert_close(copies, plain, atol=1e-6, rtol=0)


def test_exit_status_if_recordings_were_left_out(tool, tmp_path, capsys):
    (tmp_path / 'in').mkdir()
    soundfile.write(tmp_path / 'in' / 'good.wav', np.ones(500) / 2, 8000)
    (tmp_path / 'in' / 'bad.wav').write_text('x')
    assert run(tool, tmp_path / 'in', '--out', tmp_path / 'out', '--rate', 8000, '--subtype', 'PCM_16') == 1
    out = capsys.readouterr().out
    assert f'left out: {tmp_path / "in" / "bad.wav"}: cannot read' in out and '1 written' in out
    assert 'error: --out' in run(tool, tmp_path / 'in', '--out', tmp_path / 'in')


def test_read_only_folder_ends_the_tool_with_the_remedy(tool, tmp_path, monkeypatch):
    (tmp_path / 'in').mkdir()
    soundfile.write(tmp_path / 'in' / 'good.wav', np.ones(500) / 2, 8000)

    def read_only(path, *_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)

    monkeypatch.setattr(os, 'makedirs', read_only)
    message = run(tool, tmp_path / 'in', '--out', tmp_path / 'out', '--workers', 1)
    assert message.startswith(f'error: [Errno {errno.EROFS}] cannot write {tmp_path / "out" / "good.wav"}')
    assert 'allow writing there or choose another --out' in message and not (tmp_path / 'out').exists()
