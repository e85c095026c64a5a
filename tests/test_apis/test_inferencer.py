"""AVSegInferencer on pictures: the predictions of the test pipeline, from all kinds of inputs; the files it writes."""

import csv
import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
import torch
from checkpoints import tiny_config, write_checkpoint
from mmengine.dataset import pseudo_collate
from mmseg.registry import DATASETS
from PIL import Image
from pycocotools import mask as coco_mask

from mmavs.apis import AVSegInferencer, ConfigTextError
from mmavs.apis.prediction import MaskRule

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope='module')
def dataset(mini_root, inferencer):
    cfg = inferencer.cfg.test_dataloader.dataset
    return DATASETS.build(dict(cfg, data_root=str(mini_root), subset='ss', split=['train', 'val', 'test']))


@pytest.fixture(scope='module')
def records(dataset):
    """(picture, sound, position) of four samples with one source each."""
    infos = [dataset.get_data_info(i) for i in range(4)]
    return [(i['img_path'], i['sources'][0]['audio_path'], i['sources'][0]['position']) for i in infos]


@pytest.fixture(scope='module')
def expected(dataset, inferencer):
    """The masks of the ordinary test pipeline and model."""
    with torch.no_grad():
        outputs = [inferencer.model.test_step(pseudo_collate([dataset[i]]))[0] for i in range(4)]
    masks = [output.pred_sem_seg.data[0].numpy() for output in outputs]
    assert all(len(np.unique(mask)) > 1 for mask in masks), 'the network must distinguish pixels'
    return masks


def test_prediction_equals_that_of_the_test_pipeline(inferencer, records, expected):
    for (picture, sound, position), mask in zip(records, expected, strict=True):
        result = inferencer(picture, sound, position=position)
        assert np.array_equal(result['predictions'], mask)
        counts = {c.label: c.pixels for c in result['sounding']}
        assert counts == {i: int((mask == i).sum()) for i in np.unique(mask) if i}


def test_lists_batches_and_arrays_give_the_same(inferencer, records, expected):
    pictures, sounds, positions = map(list, zip(*records, strict=True))
    together = inferencer(pictures, sounds, position=positions, batch_size=3)
    assert all(map(np.array_equal, together['predictions'], expected))
    sources = [dict(audio_path=sound, position=place) for _, sound, place in records]
    assert all(map(np.array_equal, inferencer(pictures, sources)['predictions'], expected))
    assert len(inferencer(pictures, [])['predictions']) == 4  # silence for all
    rgb = torch.from_numpy(np.array(Image.open(pictures[0]).convert('RGB'))).permute(2, 0, 1)
    samples, rate = soundfile.read(sounds[0], dtype='float32', always_2d=True)
    for waveform in (samples.T, torch.from_numpy(samples.T.copy())):
        result = inferencer(rgb, waveform, position=positions[0], sample_rate=rate)
        assert (result['predictions'] != expected[0]).mean() < 0.01  # JPEG decoders differ by one level


def test_position_of_the_source_matters_to_a_stereo_network(inferencer, records):
    picture, sound, _ = records[0]
    left, right = (inferencer(picture, sound, position=p, return_datasamples=True).seg_logits.data for p in (0, 1))
    assert (left - right).abs().max() > 1e-3


def test_stereo_recording_keeps_its_channels_on_request(inferencer, records, tmp_path):
    picture = records[0][0]
    noise = 0.3 * torch.randn(48000)
    soundfile.write(tmp_path / 'a.wav', torch.stack([noise, 0 * noise], 1).numpy(), 16000, 'FLOAT')
    call = lambda sound, **kwargs: inferencer(picture, sound, return_datasamples=True, **kwargs).seg_logits.data  # noqa: E731
    kept = call(str(tmp_path / 'a.wav'), keep_channels=True)
    assert torch.equal(kept, call(noise, position=0.0))
    assert not torch.equal(call(str(tmp_path / 'a.wav')), kept)


def test_several_sources_are_mixed_as_in_the_dataset(inferencer, mini_root):
    cfg = inferencer.cfg.test_dataloader.dataset
    dataset = DATASETS.build(dict(cfg, data_root=str(mini_root), split=['train', 'val', 'test']))
    index = next(i for i in range(len(dataset)) if len(dataset.get_data_info(i)['sources']) > 1)
    info = dataset.get_data_info(index)
    with torch.no_grad():
        mask = inferencer.model.test_step(pseudo_collate([dataset[index]]))[0].pred_sem_seg.data[0].numpy()
    sources = [dict(audio_path=s['audio_path'], position=s['position']) for s in info['sources']]
    assert np.array_equal(inferencer(info['img_path'], sources)['predictions'], mask)


def test_silence_and_nothing_sounds(inferencer, records, tmp_path):
    result = inferencer(records[0][0], [], show_classes=[], out_dir=str(tmp_path))
    assert result['sounding'] == [] and not result['predictions'].any()
    (row,) = csv.DictReader((tmp_path / 'sounding.csv').open())
    assert (row['class'], row['pixels']) == ('nothing', '0')


def test_written_files_agree_with_the_results(inferencer, records, tmp_path):
    pictures, sounds, positions = map(list, zip(*records[:2], strict=True))
    pictures[1] = pictures[0]  # equal names
    results = inferencer(
        pictures, sounds, position=positions, out_dir=str(tmp_path), save_probs=True, save_rle=True, return_vis=True
    )
    stem = pictures[0].rsplit('/', 1)[1].rsplit('.', 1)[0]
    rows = list(csv.DictReader((tmp_path / 'sounding.csv').open()))
    rles = json.loads((tmp_path / 'masks.json').read_text())
    assert rles['classes'] == list(inferencer.classes)
    decoded = 0
    for name, mask, picture in zip((stem, f'{stem}_1'), results['predictions'], results['visualization'], strict=True):
        assert np.array_equal(np.array(Image.open(tmp_path / 'pred' / f'{name}_pred.png')), mask)
        assert np.array_equal(np.array(Image.open(tmp_path / 'vis' / f'{name}.png')), picture)
        probs = np.load(tmp_path / 'probs' / f'{name}.npz')
        assert (probs['probabilities'].argmax(0) != mask).mean() < 0.01  # ties in 16 bits
        assert abs(probs['probabilities'].astype(float).sum(0) - 1).max() < 0.01
        for label in filter(None, np.unique(mask)):
            entry = rles['masks'][decoded]
            entry = next(e for e in rles['masks'] if e['area'] == (mask == label).sum() and e['category_id'] == label)
            assert np.array_equal(coco_mask.decode(entry['segmentation']), mask == label)
            assert any(r['class'] == entry['category'] and int(r['pixels']) == entry['area'] for r in rows)
            decoded += 1
    assert decoded == len(rles['masks']) == len(rows)
    assert not list(tmp_path.rglob('*.part'))


def test_folder_pairs_pictures_and_sounds_by_name(inferencer, records, expected, tmp_path):
    for i, (picture, sound, _) in enumerate(records[:2]):
        (tmp_path / f'{i}.jpg').write_bytes(open(picture, 'rb').read())
        (tmp_path / f'{i}.wav').write_bytes(open(sound, 'rb').read())
    positions = [record[2] for record in records[:2]]
    results = inferencer(str(tmp_path), position=positions)
    assert all(map(np.array_equal, results['predictions'], expected[:2]))
    (tmp_path / '1.wav').rename(tmp_path / '7.wav')
    with pytest.raises(FileNotFoundError, match=r'no sound for .*1\.jpg'):
        inferencer(str(tmp_path))
    with pytest.raises(FileNotFoundError, match='no pictures or videos in'):
        (tmp_path / 'empty').mkdir()
        inferencer(str(tmp_path / 'empty'))


def test_network_that_resizes_predicts_at_the_size_of_the_picture(tmp_path, records):
    cfg = tiny_config('cavp/cavp_r50-d16_1xb16-60e_avsbench-s4-224x224.py', _OBJECT)
    meta = dict(classes=('background', 'object'), palette=[[0, 0, 0], [1, 2, 3]])
    path = write_checkpoint(tmp_path / 's4.pth', cfg, meta=meta)
    inferencer = AVSegInferencer(weights=path, device='cpu', show_progress=False)
    picture, sound, _ = records[0]
    assert inferencer(picture, sound)['predictions'].shape == np.array(Image.open(picture)).shape[:2]
    assert inferencer.pipeline.load_audio.duration == 1 and inferencer.pipeline.load_audio.channels == 1


_OBJECT = dict(
    backbone=dict(depth=18, stem_channels=16, base_channels=16, init_cfg=None),
    neck=dict(in_channels=(16, 128), channels=12, low_level_channels=4, dilations=(1, 2)),
    audio_backbone=dict(_delete_=True, type='AudioResNet', depth=18, in_channels=1, base_channels=16, out_channels=16),
    fusion=dict(in_channels=16, audio_channels=16, hidden_channels=16),
    decode_head=dict(in_channels=16, channels=8),
)


def test_large_pictures_are_reduced_for_the_network_on_request(checkpoint, inferencer, records):
    picture, sound, position = records[0]
    image = cv2.imread(picture)
    large = cv2.resize(image, None, fx=3, fy=3, interpolation=cv2.INTER_NEAREST)
    reducing = AVSegInferencer(weights=checkpoint, device='cpu', show_progress=False, max_size=image.shape[1])
    small = inferencer(image, sound, position=position)['predictions']
    found = reducing(large, sound, position=position)['predictions']
    assert found.shape == large.shape[:2]
    assert (found[1::3, 1::3] == small).mean() > 0.95
    assert np.array_equal(reducing(image, sound, position=position)['predictions'], small)
    with pytest.raises(ValueError, match='max_size must be at least 1'):
        AVSegInferencer(weights=checkpoint, device='cpu', max_size=0)


def test_classes_and_colors_come_from_the_checkpoint(checkpoint, inferencer, tmp_path):
    assert inferencer.classes[1] == 'airplane'
    assert inferencer.visualizer.dataset_meta == inferencer.model.dataset_meta
    cfg = tiny_config()
    bare = write_checkpoint(tmp_path / 'bare.pth', cfg, meta={})
    with pytest.raises(ValueError, match=r'bare\.pth has no names of classes .*pass classes'):
        AVSegInferencer(weights=bare, device='cpu')
    own = [f'c{i}' for i in range(9)]
    named = AVSegInferencer(weights=bare, classes=own, device='cpu')
    assert named.classes == tuple(own) and len(named.model.dataset_meta['palette']) == 9
    with pytest.raises(ValueError, match='2 names of classes for 9 classes'):
        AVSegInferencer(weights=bare, classes=['a', 'b'], device='cpu')


def test_model_by_the_name_of_its_metafile(tmp_path):
    cfg = tiny_config(changes={})
    path = write_checkpoint(tmp_path / 'a.pth', cfg, text='no config')
    assert AVSegInferencer('cavp_r18_mini', path, device='cpu').classes[1] == 'airplane'


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
def test_gpu_gives_the_masks_of_the_cpu(checkpoint, records, expected):
    on_gpu = AVSegInferencer(weights=checkpoint, device='cuda', show_progress=False)
    pictures, sounds, positions = map(list, zip(*records, strict=True))
    found = on_gpu(pictures, sounds, position=positions, batch_size=2)['predictions']
    assert all((a != b).mean() < 0.001 for a, b in zip(found, expected, strict=True))


def test_audio_settings_come_from_the_checkpoint(tmp_path, caplog):
    cfg = tiny_config()
    cfg.test_dataloader.dataset.pipeline[1].update(duration=2.0)
    path = write_checkpoint(tmp_path / 'a.pth', cfg)
    assert AVSegInferencer(tiny_config(), path, device='cpu').pipeline.load_audio.duration == 2.0


def test_config_in_the_checkpoint_is_not_executed(tmp_path):
    cfg = tiny_config()
    written = tmp_path / 'written'
    text = cfg.pretty_text + f"\nopen({str(written)!r}, 'w').write('x')\n"
    path = write_checkpoint(tmp_path / 'bad.pth', cfg, text=text)
    with pytest.raises(ConfigTextError, match=r'bad\.pth'):
        AVSegInferencer(weights=path, device='cpu')
    assert AVSegInferencer(cfg, path, device='cpu').classes[1] == 'airplane'  # a config that the user trusts
    for part in ('model', 'test_dataloader'):
        text = cfg.pretty_text + f"\n{part} = dict(type='subprocess.check_call', args=['touch', {str(written)!r}])\n"
        if part == 'test_dataloader':
            text += "test_dataloader = dict(dataset=dict(pipeline=[dict(type='os.system')]))\n"
        path = write_checkpoint(tmp_path / 'bad.pth', cfg, text=text)
        with pytest.raises(ConfigTextError, match='not a registered module'):
            AVSegInferencer(weights=path, device='cpu')
    assert not written.exists()


def test_invalid_arguments_are_refused(inferencer, records, checkpoint):
    picture, sound, _ = records[0]
    with pytest.raises(ValueError, match='pictures need audio'):
        inferencer(picture)
    with pytest.raises(ValueError, match='position must be a number from 0'):
        inferencer(picture, sound, position=1.5)
    with pytest.raises(ValueError, match='2 sounds for 1 pictures'):
        inferencer([picture], [sound, sound])
    with pytest.raises(ValueError, match="no class 'dragon'"):
        inferencer(picture, sound, show_classes=['dragon'])
    with pytest.raises(ValueError, match='threshold must be a probability'):
        inferencer(picture, sound, threshold=2)
    with pytest.raises(ValueError, match='weights is None'):
        AVSegInferencer(tiny_config())
    with pytest.raises(ValueError, match='neither a config file nor the name of a model'):
        AVSegInferencer('no-such-model', checkpoint)
    cfg = tiny_config()
    cfg.model.decode_head.channels = 4
    with pytest.raises(ValueError, match='do not fit the config'):
        AVSegInferencer(cfg, checkpoint)


def test_full_disk_is_reported_and_leaves_no_incomplete_file(inferencer, records, tmp_path, small_disk):
    picture, sound, _ = records[0]
    with small_disk(100), pytest.raises(OSError, match='cannot write .*make room'):
        inferencer(picture, sound, out_dir=str(tmp_path))
    assert not [path for path in tmp_path.rglob('*') if path.is_file()]


def test_mask_rule():
    probabilities = torch.tensor([[0.4, 0.1, 0.6, 0.0], [0.35, 0.2, 0.3, 0.5], [0.25, 0.7, 0.1, 0.5]])[:, None]
    names = ('background', 'a', 'b')
    assert MaskRule(names)(probabilities).tolist() == [[0, 2, 0, 1]]
    assert MaskRule(names, threshold=0.3)(probabilities).tolist() == [[1, 2, 1, 1]]
    assert MaskRule(names, threshold=0.6)(probabilities).tolist() == [[0, 2, 0, 0]]
    assert MaskRule(names, selected=['a'])(probabilities).tolist() == [[0, 0, 0, 1]]
    rule = MaskRule(names[:2], head_threshold=0.3)
    binary = torch.tensor([[0.71, 0.69], [0.29, 0.31]])[:, None]
    assert rule(binary).tolist() == [[0, 1]]
    found = MaskRule(names).list_classes(torch.tensor([[0, 2, 0, 1]]), probabilities)
    assert [(c.name, c.pixels, c.share) for c in found] == [('a', 1, 0.25), ('b', 1, 0.25)]
    assert found[1].probability == pytest.approx(0.7)


def test_example_of_the_page(checkpoint, records, tmp_path, monkeypatch, capsys):
    (code, *_) = re.findall(r'```python\n(.*?)```', (ROOT / 'docs' / 'inference.md').read_text(), flags=re.DOTALL)
    weights = tmp_path / re.search(r"weights='(.*?)'", code)[1]
    weights.parent.mkdir(parents=True)
    weights.write_bytes(Path(checkpoint).read_bytes())
    for source, name in zip(records[0], ('picture.jpg', 'sound.wav'), strict=False):
        (tmp_path / name).write_bytes(Path(source).read_bytes())
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    assert 'SoundingClass(label=' in capsys.readouterr().out
    assert (tmp_path / 'out' / 'pred' / 'picture_pred.png').is_file()
