"""tools/demo.py, as a user calls it."""

import csv
import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from checkpoints import tiny_config, write_checkpoint
from PIL import Image

from mmavs.apis import AVSegInferencer
from mmavs.apis.default_weights import find_default_weights

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'demo.py'


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('demo_tool', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp('weights') / 'best_mIoU_epoch_6.pth', tiny_config())


@pytest.fixture
def run(tool, tmp_path, monkeypatch, capsys):
    """Calls the tool in an empty folder; returns its output and its error message, '' if there is none."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        capsys.readouterr()
        try:
            tool.main([str(word) for word in words])
            problem = ''
        except SystemExit as ended:
            problem = str(ended.code)
        return capsys.readouterr().out, problem

    return call


@pytest.fixture
def files(tmp_path):
    """A picture and a stereo sound."""
    rng = np.random.default_rng(0)
    small = Image.fromarray(rng.integers(0, 256, (4, 5, 3), dtype=np.uint8))
    small.resize((64, 48), Image.Resampling.BILINEAR).save(tmp_path / 'a.png')
    soundfile.write(tmp_path / 'a.wav', rng.standard_normal((48000, 2)) * [0.3, 0.05], 16000)
    return tmp_path / 'a.png', tmp_path / 'a.wav'


def test_newest_network_of_the_demo_is_the_default(run, files, checkpoint, tmp_path):
    out, problem = run(*files)
    assert 'no network: there is no work_dirs/demo/best_*.pth' in problem and '`make demo`' in problem
    old, new = (tmp_path / 'work_dirs' / 'demo' / f'best_mIoU_epoch_{epoch}.pth' for epoch in (4, 2))
    old.parent.mkdir(parents=True)
    for seconds, path in ((1, old), (2, new)):
        path.write_bytes(Path(checkpoint).read_bytes())
        os.utime(path, (seconds, seconds))
    assert Path(find_default_weights(str(tmp_path))) == new
    out, problem = run(*files, '--position', 0.3)
    assert not problem and 'best_mIoU_epoch_2.pth: trained on data/mini; its classes are airplane, bird' in out
    assert 'It is trained on drawings only. For photographs' in out
    released = tmp_path / 'checkpoints' / 'cavp_r50-released_avss-12345678.pth'
    released.parent.mkdir()
    released.write_bytes(Path(checkpoint).read_bytes())
    os.utime(released, (0, 0))
    assert Path(find_default_weights(str(tmp_path))) == released


def test_picture_with_position(run, files, checkpoint, tmp_path):
    out, problem = run(*files, '--position', 0.3, '--weights', checkpoint, '--out', 'out', '--save-rle')
    assert not problem
    expected = AVSegInferencer(weights=checkpoint, show_progress=False)(str(files[0]), str(files[1]), position=0.3)
    assert np.array_equal(np.array(Image.open(tmp_path / 'out' / 'pred' / 'a_pred.png')), expected['predictions'])
    largest = expected['sounding'][0]
    assert f'{files[0]}: {largest.name} ({100 * largest.share:.1f} % of the pixels' in out
    assert {path.name for path in (tmp_path / 'out').iterdir()} == {'vis', 'pred', 'sounding.csv', 'masks.json'}


def test_stereo_recording_and_selected_classes(run, files, checkpoint, tmp_path):
    _, problem = run(*files, '--keep-channels', '--weights', checkpoint, '--classes', 'zebra', 'dog')
    assert not problem
    table = tmp_path / 'work_dirs' / 'demo_results' / 'sounding.csv'
    classes = {row['class'] for row in csv.DictReader(table.open())}
    assert classes <= {'zebra', 'dog', 'nothing'}
    out, problem = run(*files, '--weights', checkpoint, '--threshold', 1.0)
    assert 'a.png: nothing sounds' in out


def test_folder_of_pictures(run, files, checkpoint, tmp_path):
    folder = tmp_path / 'pairs'
    folder.mkdir()
    for name in ('x', 'y'):
        (folder / f'{name}.png').write_bytes(files[0].read_bytes())
        (folder / f'{name}.wav').write_bytes(files[1].read_bytes())
    out, problem = run(folder, '--weights', checkpoint)
    assert not problem and 'picture 1: ' in out and 'picture 2: ' in out
    assert len(list((tmp_path / 'work_dirs' / 'demo_results' / 'vis').iterdir())) == 2


def test_video(run, checkpoint, tmp_path):
    pytest.importorskip('av')
    from media import noise, write_video

    images = [np.full((48, 64, 3), value, np.uint8) for value in (0, 90, 180, 250)]
    path = write_video(tmp_path / 'clip.mp4', images, sound=noise(1, 16000, 2))
    out, problem = run(path, '--weights', checkpoint, '--smooth', 3)
    assert not problem and '4 frames: ' in out
    assert (tmp_path / 'work_dirs' / 'demo_results' / 'vis' / 'clip.mp4').is_file()


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['missing.png', 'a.wav'], 'error: picture not found: missing.png'),
        (['a.png', 'missing.wav'], 'error: recording not found: missing.wav'),
        (['a.png'], 'error: pictures need audio'),
        (['a.png', 'a.wav', '--position', '2'], 'error: position must be a number from 0'),
        (['a.png', 'a.wav', '--classes', 'unicorn'], "error: the network has no class 'unicorn'"),
        (['a.png', 'a.wav', '--device', 'tpu9'], "error: device='tpu9' cannot be used"),
        (['a.png', 'a.wav', '--weights', 'missing.pth'], 'error: checkpoint not found: missing.pth'),
    ],
)
def test_errors_end_with_a_message(run, files, checkpoint, words, message):
    _, problem = run(*words, *([] if '--weights' in words else ['--weights', checkpoint]))
    assert problem.startswith(message)
