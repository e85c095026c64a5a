"""tools/analysis_tools/audio_swap.py: scores by hand, conditions against the files of the set, known models."""

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from pycocotools import mask as coco_mask

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tools' / 'analysis_tools'))  # as when the tool is run

import audio_swap  # noqa: E402
from dataset_samples import build_samples, read_config  # noqa: E402
from swapped_audio import scores as s  # noqa: E402
from swapped_audio.conditions import Conditions, load_trial, make_noise, make_units  # noqa: E402
from swapped_audio.instances import Objects, image_id  # noqa: E402
from swapped_audio.row_file import RowFile  # noqa: E402

MINI = ROOT / 'configs' / 'cavp' / 'cavp_r18_mini.py'
AVSBENCH = {name: ROOT / 'configs' / 'cavp' / f'cavp_r18_mini-{name}.py' for name in ('s4', 'ms3', 'avss')}


def test_scores_by_hand():
    """Ten pixels: 4 of the object, 2 of them found, 1 found elsewhere, 1 ignored."""
    label = np.array([[3, 3, 3, 3, 0, 0, 0, 0, 0, 255]])
    pred = np.array([[3, 5, 0, 0, 1, 0, 0, 0, 0, 2]])  # another class is foreground too
    found = s.frame_scores(pred, label, s.ORIGINAL)
    expected = dict(IoU=2 / 5, F=1.3 * 2 / (0.3 * 4 + 3), FPR=1 / 5, predicted=3 / 9)
    assert found == pytest.approx(expected)
    assert s.frame_scores(pred, label, s.SILENCE) == pytest.approx(dict(expected, FPR=3 / 9))
    silent = np.zeros((1, 10), bool)
    silent[0, 4:6] = True
    found = s.frame_scores(pred, label, s.SILENT_OBJECT, silent_object=silent)
    assert found == pytest.approx(dict(expected, FPR=2 / 7, IoU_silent_object=1 / 4))


def test_summary_by_hand():
    rows = [
        dict(frame='a', condition=s.ORIGINAL, IoU=0.5, F=0.6, FPR=0.1, predicted=0.2),
        dict(frame='b', condition=s.ORIGINAL, IoU=0.9, F=0.8, FPR=0.1, predicted=0.4),
        dict(frame='b', condition=s.OFF_SCREEN, IoU=0.19, F=0.2, FPR=0.3, predicted=0.3),
    ]
    found = s.summarize(rows)
    assert found[s.ORIGINAL] == pytest.approx(dict(frames=2, IoU=0.7, F=0.7, FPR=0.1, predicted=0.3))
    # the original audio of the same frames: 0.9 and not 0.7
    assert found[s.OFF_SCREEN]['G_mIoU'] == pytest.approx(math.sqrt(0.9 * 0.81))
    assert found[s.OFF_SCREEN]['G_F'] == pytest.approx(math.sqrt(0.8 * 0.8))
    assert list(found) == [s.ORIGINAL, s.OFF_SCREEN]
    assert (
        s.make_table(found).splitlines()[3] == '| off-screen sound | 1 | 19.0 | 20.0 | 30.0 | 30.0 | - | 85.4 | 80.0 |'
    )


def test_noise_is_as_loud_as_the_audio_and_comes_from_the_middle():
    audio = torch.stack([torch.full((20000,), 0.3), torch.zeros(20000)])
    noise = make_noise(audio, torch.Generator().manual_seed(0))
    assert noise.shape == audio.shape and torch.equal(noise[0], noise[1])
    assert noise.square().mean().sqrt() == pytest.approx(0.3 / math.sqrt(2), rel=0.03)
    assert 0.05 < make_noise(torch.zeros(2, 20000), torch.Generator().manual_seed(0)).std() < 0.2


def parse(config, *words):
    return audio_swap.parse_args([str(config), 'checkpoint.pth', *map(str, words)])


@pytest.fixture(scope='module')
def mini(mini_root):
    """Units of the test split, the objects of the set, and its instances file as plain JSON."""
    args = parse(MINI, '--cfg-options', f'data_root={mini_root}')
    samples = build_samples(read_config(args), 'test')
    units = make_units(samples, clips=False)
    path = mini_root / 'source' / 'instances.json'
    ids = {image_id(unit.records[0]['img_path']) for unit in units}
    return units, Objects(str(path), ids, samples[0][0].metainfo['classes']), json.loads(path.read_text())


def names_in(content, image):
    names = {category['id']: category['name'] for category in content['categories']}
    return {names[a['category_id']] for a in content['annotations'] if a['image_id'] == image}


def test_conditions_against_the_files_of_the_set(mini):
    units, objects, content = mini
    conditions = Conditions(units, objects)
    classes = units[0].samples[0][0].metainfo['classes']
    seen = []
    for unit in units:
        image, own = image_id(unit.records[0]['img_path']), unit.records[0]['sources']
        visible = names_in(content, image)
        trials = {trial.condition: trial for trial in conditions.trials(unit)}
        seen += trials
        sounding = {classes[source['label']] for source in own}
        assert sounding <= visible and trials[s.ORIGINAL].sources == [own] and trials[s.SILENCE].sources == [[]]
        if s.OFF_SCREEN in trials:
            ((source,),) = trials[s.OFF_SCREEN].sources
            name = Path(source['audio_path']).name.split('-')[0]  # of the mini set's recordings
            assert name not in visible and source['position'] == own[0]['position']
        if s.SILENT_OBJECT in trials:
            trial = trials[s.SILENT_OBJECT]
            ((source,),) = trial.sources
            name = classes[trial.silent_class]
            assert name in visible - sounding and Path(source['audio_path']).name.startswith(f'{name}-')
            masks = [
                coco_mask.decode(a['segmentation'])
                for a in content['annotations']
                if a['image_id'] == image
                and classes.index(name) in objects.classes(image)
                and name_of(content, a) == name
            ]
            assert np.array_equal(trial.silent_object, np.any(masks, axis=0))
            assert source['position'] == pytest.approx(np.nonzero(trial.silent_object)[1].mean() / 143)
    assert {*seen} == {*s.CONDITIONS}


def name_of(content, annotation):
    return next(c['name'] for c in content['categories'] if c['id'] == annotation['category_id'])


def test_recordings_are_those_of_the_seed(mini):
    units, objects, _ = mini

    def draw(seed, chosen):
        conditions = Conditions(units, objects, seed=seed)
        return [trial.sources for unit in chosen for trial in conditions.trials(unit)]

    assert draw(0, units[:4]) == draw(0, units)[: len(draw(0, units[:4]))] != draw(1, units[:4])


def test_audio_of_the_trials(mini):
    """The waveforms that reach the model: the original, silence, noise; the picture stays."""
    units, objects, _ = mini
    trials = {trial.condition: trial for trial in Conditions(units, objects).trials(units[0])}
    (dataset, index) = units[0].samples[0]
    original = dataset[index]['inputs']
    loaded = {c: load_trial(units[0], trial, seed=0)[0]['inputs'] for c, trial in trials.items()}
    assert torch.equal(loaded[s.ORIGINAL]['audio'], original['audio']) and original['audio'].abs().max() > 0
    assert not loaded[s.SILENCE]['audio'].any()
    assert len({tuple(inputs['audio'][0, :50].tolist()) for inputs in loaded.values()}) == len(loaded)
    assert all(torch.equal(inputs['img'], original['img']) for inputs in loaded.values())


@pytest.mark.parametrize('name', AVSBENCH)
def test_videos(name, mini_avsbench_root):
    """Classes are the categories (S4) or those of the masks (AVSS). Masks of MS3 have no classes."""
    root = mini_avsbench_root / ('AVSBench-semantic' if name == 'avss' else 'AVSBench-object')
    cfg = read_config(parse(AVSBENCH[name], '--cfg-options', f'data_root={root}'))
    samples = build_samples(cfg, 'train' if name == 'avss' else 'test')  # its test split has too few videos here
    frames, clips = (make_units(samples, clips=clips) for clips in (False, True))
    assert len(frames) == len(samples) > len(clips) and sum(len(unit.samples) for unit in clips) == len(samples)
    conditions = Conditions(clips, None)
    for unit in clips:
        assert len({record['clip'] for record in unit.records}) == 1
        for trial in conditions.trials(unit):
            assert len(trial.sources) == len(unit.samples)
            if trial.condition == s.OFF_SCREEN:
                path = trial.sources[0][0]['audio_path']
                (donor,) = [u for u in clips if u.records[0]['sources'][0]['audio_path'] == path]
                assert not donor.sounding & unit.sounding
                starts = [sources[0]['start'] for sources in trial.sources]
                assert starts[: len(donor.samples)] == [float(i) for i in range(len(starts))][: len(donor.samples)]
    found = {trial.condition for unit in clips for trial in conditions.trials(unit)}
    assert (s.OFF_SCREEN in found) == (name != 'ms3') and s.SILENT_OBJECT not in found


class Listener:
    """A model with known predictions: it segments the sounding objects, or ignores the audio."""

    def __init__(self, swap, *, deaf):
        self.swap, self.deaf, self.calls = swap, deaf, 0

    def __call__(self, model, packed):
        self.calls += 1
        (sample,) = packed
        label = sample['data_samples'].gt_sem_seg.data[0].numpy()
        truth = np.where(label == 255, 0, label).astype(np.uint8)
        meta = sample['data_samples'].metainfo
        own = {source['audio_path'] for source in self.records[meta['img_path'], meta['seg_map_path']]}
        given = [source for source in meta['sources'] if source['audio_path'] not in own]
        original = {*own} == {source['audio_path'] for source in meta['sources']}
        noise = original and torch.equal(sample['inputs']['audio'][0], sample['inputs']['audio'][1])
        if self.deaf or (original and not noise):
            return [truth]
        found = np.zeros_like(truth)
        for source in given:
            found[self.swap.objects.mask(image_id(meta['img_path']), source['label'], truth.shape)] = source['label']
        return [found]


@pytest.fixture
def run(mini_root, tmp_path, monkeypatch):
    """Runs the tool with a known model in place of a network."""
    (tmp_path / 'checkpoint.pth').write_bytes(b'x')
    monkeypatch.setattr(audio_swap, 'build_model', lambda *args: None)

    def call(*words, deaf=False, stop=None):
        instances = mini_root / 'source' / 'instances.json'
        words = [MINI, tmp_path / 'checkpoint.pth', '--instances', instances, '--out', tmp_path / 'out', *words]
        words = [*map(str, words), '--cfg-options', f'data_root={mini_root}']
        swap = audio_swap.AudioSwap(audio_swap.parse_args(words))
        model = Listener(swap, deaf=deaf)
        records = [unit.records[0] for unit in swap.units]
        model.records = {(record['img_path'], record['seg_map_path']): record['sources'] for record in records}

        def predict(network, packed):
            if model.calls == stop:
                raise KeyboardInterrupt
            return model(network, packed)

        monkeypatch.setattr(audio_swap, 'predict', predict)
        return swap, model

    return call


def test_model_that_uses_the_audio_and_one_that_does_not(run):
    swap, _ = run('--pictures', '1')
    found = swap.run()
    assert found[s.ORIGINAL]['IoU'] == found[s.ORIGINAL]['F'] == 1 and found[s.ORIGINAL]['FPR'] == 0
    for condition in s.WRONG:
        assert found[condition]['G_mIoU'] == found[condition]['G_F'] == 1 and found[condition]['predicted'] == 0
    assert found[s.SILENT_OBJECT]['IoU_silent_object'] == 1 and found[s.SILENT_OBJECT]['FPR'] == 0
    (strip,) = (swap.args.out / 'strips').iterdir()
    assert strip.stat().st_size > 10000
    swap, _ = run('--pictures', '0', '--seed', '1', deaf=True)
    found = swap.run()
    for condition in s.CONDITIONS:
        assert found[condition]['IoU'] == 1 and found[condition]['predicted'] == pytest.approx(
            found[s.ORIGINAL]['predicted'], abs=0.05
        )
        assert found[condition].get('G_mIoU', 0) == 0


def test_an_interrupted_run_continues(run):
    whole, model = run('--pictures', '0')
    expected, calls = whole.run(), model.calls
    (whole.args.out / 'rows.jsonl').unlink()
    swap, model = run('--pictures', '0', stop=12)
    with pytest.raises(KeyboardInterrupt):
        swap.run()
    with (swap.args.out / 'rows.jsonl').open('a') as file:
        file.write('{"unit": 3, "ro')  # as if killed while writing
    swap, model = run('--pictures', '0')
    assert swap.run() == expected and 0 < model.calls < calls


def test_rows_of_other_settings_are_replaced(tmp_path):
    path = tmp_path / 'rows.jsonl'
    RowFile(path, dict(seed=0)).add(4, [dict(IoU=1.0)])
    same, other = RowFile(path, dict(seed=0)), RowFile(path, dict(seed=1))
    assert same.rows == {4: [dict(IoU=1.0)]} and not same.replaced
    assert other.rows == {} and other.replaced and len(path.read_text().splitlines()) == 1


def test_a_file_without_objects_of_the_set_is_refused(tmp_path):
    path = tmp_path / 'instances.json'
    path.write_text(json.dumps(dict(images=[], annotations=[], categories=[dict(id=1, name='cat')])))
    with pytest.raises(ValueError, match='instances.json has no object of the classes of the dataset'):
        Objects(str(path), {1}, ('background', 'cat'))
