"""The mini set: its images, its recordings, and the sets built from them."""

import csv
import itertools
import json
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
from pycocotools.coco import COCO

from mmavs.datasets.metainfo.vpo_classes import load_class_table

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'dataset_converters' / 'make_mini.py'
sys.path.insert(0, str(TOOL.parent))  # as when the tool is run

from make_mini import make_mini  # noqa: E402
from mini.scenes import CLASSES, HEIGHT, WIDTH, draw_scene, plan_scenes, visible_masks  # noqa: E402
from mini.source import write_source  # noqa: E402
from mini.synthesis import KINDS, LEVEL, SECONDS  # noqa: E402

pytestmark = pytest.mark.filterwarnings('ignore:__array__ implementation:DeprecationWarning')  # pycocotools

IMAGES, SEED = 60, 3
SETTINGS = dict(seed=SEED, images=IMAGES, recordings=(6, 3))
SUBSETS = {'VPO-SS': 'vpo_ss', 'VPO-MS': 'vpo_ms', 'VPO-MSMI': 'vpo_msmi'}


@pytest.fixture(scope='module')
def mini(tmp_path_factory):
    out = tmp_path_factory.mktemp('data') / 'mini'
    assert make_mini(out, workers=1, **SETTINGS)
    return out


@pytest.fixture(scope='module')
def coco(mini):
    return COCO(str(mini / 'source' / 'instances.json'))


@pytest.fixture(scope='module')
def rows(mini):
    return {
        name: list(csv.DictReader((mini / name / f'{prefix}_data_stereo.csv').open()))
        for name, prefix in SUBSETS.items()
    }


@pytest.fixture(scope='module')
def recordings(mini):
    """(class, kind, split, waveform, rate) of each recording of the source."""
    with (mini / 'source' / 'vggsound.csv').open() as f:
        lines = list(csv.reader(f))
    assert len({line[0] for line in lines}) == len(lines) == 9 * len(CLASSES)
    found = []
    for identifier, start, _, split in lines:
        wave, rate = soundfile.read(mini / 'source' / 'audios' / f'{identifier}_{int(start):06d}.wav')
        found.append((*identifier.split('-')[:2], split, wave, rate))
    return found


def test_masks_are_the_visible_pixels():
    """Against painting one object after the other into an array of numbers."""
    rng = np.random.default_rng(0)
    sprites = [(None, (rng.random((h, w)) > 0.3).astype(np.float32)) for h, w in ((30, 40), (25, 60), (50, 20))]
    positions, order = [(10, 20), (-15, 30), (30, HEIGHT - 30)], [1, 2, 0]
    numbers = np.full((HEIGHT + 200, WIDTH + 200), -1)
    for i in order:
        height, width = sprites[i][1].shape
        left, top = positions[i]
        window = numbers[top + 100 : top + 100 + height, left + 100 : left + 100 + width]
        window[sprites[i][1] > 0.5] = i
    numbers = numbers[100:-100, 100:-100]
    masks, shares = visible_masks(sprites, positions, order)
    for i, (_, alpha) in enumerate(sprites):
        assert (masks[i] == (numbers == i)).all()
        assert shares[i] == pytest.approx((numbers == i).sum() / alpha.sum())


def test_annotations_are_the_drawn_objects(mini, coco):
    names = {c['id']: c['name'] for c in coco.loadCats(coco.getCatIds())}
    assert names == {c.mask_id: c.name for c in load_class_table().classes if c.name in CLASSES}
    for image_id, plan in list(enumerate(plan_scenes(IMAGES, SEED), 1))[:6]:
        scene = draw_scene(plan, SEED, image_id)
        annotations = coco.loadAnns(sorted(coco.getAnnIds(image_id)))
        assert [names[a['category_id']] for a in annotations] == [i.name for i in scene.instances]
        assert sorted(plan) == sorted(i.name for i in scene.instances)
        for annotation, instance in zip(annotations, scene.instances, strict=True):
            assert (coco.annToMask(annotation) == instance.mask).all()
            x, y, w, h = map(int, annotation['bbox'])
            assert instance.mask[y : y + h, x : x + w].sum() == instance.mask.sum() == annotation['area']
        stored = cv2.imread(str(mini / 'source' / 'images' / coco.imgs[image_id]['file_name']))
        assert np.abs(stored[..., ::-1].astype(int) - scene.image).mean() < 8


def test_objects_are_visible_and_large_enough(coco):
    for image_id in coco.getImgIds():
        annotations = coco.loadAnns(coco.getAnnIds(image_id))
        assert sum(coco.annToMask(a).astype(int) for a in annotations).max() == 1
        assert all(a['area'] > 0.008 * HEIGHT * WIDTH and a['iscrowd'] == 0 for a in annotations)
        by_class = defaultdict(list)
        for a in annotations:
            by_class[a['category_id']].append(np.nonzero(coco.annToMask(a))[1].mean() / WIDTH)
        for positions in by_class.values():
            assert all(b - a > 0.04 for a, b in itertools.pairwise(sorted(positions)))


def test_composition():
    plans = plan_scenes(800, seed=5)
    repeated = [p for p in plans if len(set(p)) < len(p)]
    assert len(repeated) == 360
    assert all(3 <= len(p) <= 5 for p in plans)
    assert all(p.count(p[0]) in (2, 3, 4) and len(set(p)) == 1 + len(p) - p.count(p[0]) for p in repeated)
    single = Counter(itertools.chain(*(p for p in plans if p not in repeated)))
    assert set(single) == set(CLASSES) and max(single.values()) - min(single.values()) <= 2


def test_every_class_has_recordings_of_all_its_kinds(recordings):
    labels = {c.name: c.sounds for c in load_class_table().classes}
    assert set(KINDS) == set(CLASSES)
    for name, kinds in KINDS.items():
        assert len(kinds) >= 2 and all(k.label in labels[name] for k in kinds)
        for split in ('train', 'test'):
            assert {r[1] for r in recordings if r[0] == name and r[2] == split} == {k.name for k in kinds}


def test_recordings_have_their_length_and_level_and_are_never_silent(recordings):
    assert {rate for *_, rate in recordings} == {16000, 22050}
    for name, kind, _, wave, rate in recordings:
        assert wave.shape == (SECONDS * rate,)
        middle = wave[rate // 2 : -(rate // 2)]
        level = np.sqrt(np.mean(middle**2))
        assert abs(20 * np.log10(level / LEVEL)) < 3, (name, kind)
        assert np.abs(wave).max() < 0.99
        halves = middle.reshape(6, -1)
        assert np.sqrt(np.mean(halves**2, 1)).min() > 0.2 * level, (name, kind)


def test_classes_can_be_distinguished_by_their_audio(recordings):
    """The class with the nearest mean training spectrum is that of nearly all test recordings."""

    def spectrum(wave, rate):
        frames = wave[: len(wave) // 800 * 800].reshape(-1, 800)
        power = np.abs(np.fft.rfft(frames * np.hanning(800))) ** 2
        edges = np.searchsorted(np.fft.rfftfreq(800, 1 / rate), np.geomspace(125, 3800, 25))
        bands = np.log(np.add.reduceat(power, edges, axis=1)[:, :-1] + 1e-4)
        return np.concatenate([bands.mean(0), bands.std(0), bands.max(0)])

    features = defaultdict(list)
    for name, kind, split, wave, rate in recordings:
        features[split].append((name, kind, spectrum(wave, rate)))
    means = {
        (n, k): np.mean([f for m, j, f in features['train'] if (m, j) == (n, k)], axis=0)
        for n, k, _ in features['train']
    }
    right = [min(means, key=lambda nk: np.square(means[nk] - f).sum())[0] == name for name, _, f in features['test']]
    assert np.mean(right) > 0.9


def test_splits_share_nothing(rows):
    found = list(itertools.chain(*rows.values()))
    for column in ('img_Id', 'vgg_file'):
        splits = defaultdict(set)
        for row in found:
            splits[row['split']].add(row[column])
        assert set(splits) == {'train', 'val', 'test'}
        assert not any(a & b for a, b in itertools.combinations(splits.values(), 2))


def test_sizes_and_files(mini, rows):
    images = {name: {r['img_Id'] for r in found} for name, found in rows.items()}
    assert len(images['VPO-SS']) == IMAGES == len(images['VPO-MSMI'])
    assert len(images['VPO-MS']) == len([p for p in plan_scenes(IMAGES, SEED) if len(set(p)) == len(p)])
    for name in SUBSETS:
        for path in (mini / name / 'data').rglob('*.jpg'):
            assert cv2.imread(str(path)).shape == (HEIGHT, WIDTH, 3)
    for row in rows['VPO-MSMI']:
        assert (mini / 'VGGSound' / 'audios' / f'{row["vgg_file"]}.wav').exists()


def test_sounding_objects_do_not_follow_from_the_visible_ones(coco, rows):
    """Images with the same objects have different sounding objects."""
    sounding = defaultdict(set)
    for row in rows['VPO-MS']:
        sounding[int(row['img_Id'])].add(int(row['cateId']))
    by_content = defaultdict(set)
    for image_id, classes in sounding.items():
        content = frozenset(a['category_id'] for a in coco.loadAnns(coco.getAnnIds(image_id)))
        assert classes < content
        by_content[content].add(frozenset(classes))
    assert sum(len(v) > 1 for v in by_content.values()) >= 2


def test_same_files_for_any_number_of_workers(tmp_path):
    settings = dict(images=9, recordings=(1, 1), seed=1, table=load_class_table())
    for workers in (1, 2):
        write_source(tmp_path / str(workers), workers=workers, **settings)
    files = [sorted(p.relative_to(tmp_path / w) for p in (tmp_path / w).rglob('*.*')) for w in '12']
    assert files[0] == files[1] and len(files[0]) == 9 + 2 * len(CLASSES) + 5
    assert all((tmp_path / '1' / f).read_bytes() == (tmp_path / '2' / f).read_bytes() for f in files[0])


def test_seeds_give_other_images():
    assert plan_scenes(20, 0) != plan_scenes(20, 1)
    assert (draw_scene(['cat'], 0, 1).image != draw_scene(['cat'], 1, 1).image).any()
    assert (draw_scene(['cat'], 0, 1).image != draw_scene(['cat'], 0, 2).image).any()


def test_complete_set_is_kept(mini):
    before = {p: p.stat().st_mtime_ns for p in mini.rglob('*')}
    command = [
        sys.executable,
        str(TOOL),
        '--out',
        str(mini),
        '--seed',
        str(SEED),
        '--images',
        str(IMAGES),
        '--recordings',
        '6',
        '3',
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert 'already complete' in result.stdout
    assert {p: p.stat().st_mtime_ns for p in mini.rglob('*')} == before
    result = subprocess.run(command[:-2] + ['5', '3'], capture_output=True, text=True)
    assert result.returncode and '--overwrite' in result.stderr


def test_interrupted_run_is_finished_and_other_settings_overwrite(tmp_path):
    out, settings = tmp_path / 'mini', dict(images=8, recordings=(3, 1), workers=1)
    (out / 'source.part' / 'images').mkdir(parents=True)
    (out / 'source.part' / 'images' / 'rest.jpg').touch()
    assert make_mini(out, **settings)
    assert not (out / 'source.part').exists() and not list(out.rglob('rest.jpg'))
    (out / 'mini.json').unlink()
    drawn = (out / 'source' / 'settings.json').stat().st_mtime_ns
    assert make_mini(out, **settings)
    assert (out / 'source' / 'settings.json').stat().st_mtime_ns == drawn
    shutil.rmtree(out / 'objects')  # as in a set of an earlier version
    assert make_mini(out, **settings) and any((out / 'objects').glob('train/*.png'))
    assert not make_mini(out, **settings)
    with pytest.raises(ValueError, match='--overwrite'):
        make_mini(out, seed=1, **settings)
    assert make_mini(out, seed=1, overwrite=True, **settings)
    assert json.loads((out / 'mini.json').read_text())['seed'] == 1


def test_objects_are_labelled_whether_they_sound_or_not(mini, coco, rows):
    """Each pixel against the annotations; the splits are those of the samples with audio."""
    splits = {row['img_Id'].zfill(12): row['split'] for row in rows['VPO-MSMI']}
    images = sorted((mini / 'objects').glob('*/*.jpg'))
    assert {path.stem: path.parent.name for path in images} == splits and len(images) == IMAGES
    names = {category['id']: category['name'] for category in coco.dataset['categories']}
    classes = ('background', *CLASSES)
    for path in images[::7]:
        label = cv2.imread(str(path.with_suffix('.png')), cv2.IMREAD_UNCHANGED)
        for annotation in coco.imgToAnns[int(path.stem)]:
            found = np.unique(label[coco.annToMask(annotation) > 0])
            assert [classes[i] for i in found] == [names[annotation['category_id']]]
        assert (label > 0).sum() == sum(annotation['area'] for annotation in coco.imgToAnns[int(path.stem)])


def test_numbers_must_be_positive(tmp_path):
    with pytest.raises(ValueError, match='--images'):
        make_mini(tmp_path, images=0)


@pytest.mark.parametrize('size', [1000, 12000])  # too small for an image, and for a recording
def test_full_disk_leaves_no_files_and_names_the_remedy(tmp_path, small_disk, size):
    with small_disk(size), pytest.raises(OSError, match=r'cannot write .*source: File too large; make room .*--out'):
        make_mini(tmp_path, images=1, recordings=(1, 1), workers=1)
    assert not any(tmp_path.iterdir())


def test_a_file_in_place_of_the_folder_is_named(tmp_path):
    (tmp_path / 'mini').touch()
    with pytest.raises(OSError, match=r'cannot write .*mini/source: Not a directory; a file has this name.*--out'):
        make_mini(tmp_path / 'mini', images=1, recordings=(1, 1), workers=1)
