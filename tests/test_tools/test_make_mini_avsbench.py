"""The generated AVSBench trees: released layouts, masks of the sounding objects, audio that changes every second."""

import itertools
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from mmavs.data_tools.vpo_builder.recordings import read_sounds_csv
from mmavs.datasets import AVSBenchObjectDataset, AVSBenchSemanticDataset
from mmavs.datasets.metainfo.avsbench_classes import default_classes
from mmavs.datasets.metainfo.palette import index_colors

TOOLS = Path(__file__).resolve().parents[2] / 'tools' / 'dataset_converters'
sys.path.insert(0, str(TOOLS))  # as when the tool is run

from make_mini_avsbench import make_mini_avsbench  # noqa: E402
from mini.avsbench import RATE, ClipPlan, category_of, make_audio, plan_clips  # noqa: E402
from mini.scenes import HEIGHT, WIDTH, draw_clip  # noqa: E402
from mini.synthesis import KINDS  # noqa: E402

SPLITS = ('train', 'val', 'test')
CLIPS = dict(s4=(8, 2, 2), ms3=(8, 2, 2), v1s=(4, 1, 1), v1m=(4, 1, 1), v2=(4, 1, 1))


def dataset_of(root, part, split):
    if part in ('s4', 'ms3'):
        return AVSBenchObjectDataset(part, split, data_root=str(root / 'AVSBench-object'))
    return AVSBenchSemanticDataset(part, split, data_root=str(root / 'AVSBench-semantic'))


def records_of(root, part, *splits):
    for split in splits or SPLITS:
        dataset = dataset_of(root, part, split)
        yield from (dataset.get_data_info(i) for i in range(len(dataset)))


def second_of(record):
    source = record['sources'][0]
    with soundfile.SoundFile(source['audio_path']) as f:
        f.seek(round(f.samplerate * source['start']))
        return f.read(f.samplerate)


def mask_of(record):
    return cv2.imread(record['seg_map_path'], cv2.IMREAD_UNCHANGED)


@pytest.mark.slow
@pytest.mark.parametrize('part', CLIPS)
def test_every_part_loads_and_has_all_files(mini_avsbench_root, part):
    for split, clips in zip(SPLITS, CLIPS[part], strict=True):
        records = list(records_of(mini_avsbench_root, part, split))
        assert len({r['clip'] for r in records}) == clips
        assert len(records) == clips * (10 if part == 'v2' else 5)
        for r in records:
            assert cv2.imread(r['img_path']).shape == (HEIGHT, WIDTH, 3)
            assert len(second_of(r)) == RATE
            assert (r['seg_map_path'] is None) == (split == 'train' and part in ('s4', 'v1s') and r['frame'] > 0)
            if r['seg_map_path']:
                assert mask_of(r).shape == (HEIGHT, WIDTH)


@pytest.mark.parametrize('part', CLIPS)
def test_mask_is_empty_if_and_only_if_the_second_is_silent(mini_avsbench_root, part):
    quiet, loud = [], []
    for r in records_of(mini_avsbench_root, part):
        if r['seg_map_path']:
            middle = second_of(r)[RATE // 10 : -RATE // 10]
            (loud if mask_of(r).any() else quiet).append(np.sqrt(np.mean(middle**2)))
    assert min(loud) > 0.02 and max(quiet, default=0) < 0.005
    if part in ('s4', 'v1s', 'v1m'):
        assert not quiet


def test_sounding_objects_change_from_second_to_second(mini_avsbench_root):
    for part in ('ms3', 'v1m', 'v2'):
        for plan in plan_clips(part, (20, 5, 5), 3):
            assert all(a != b for a, b in itertools.pairwise(plan.sounding))
            assert {len(now) for now in plan.sounding} <= {0, 1, 2} and len(plan.objects) == 3
            assert part != 'v1m' or () not in plan.sounding
    assert any(() in plan.sounding for plan in plan_clips('ms3', (20, 5, 5), 3))
    sets = {}
    for r in records_of(mini_avsbench_root, 'v2'):
        sets.setdefault(r['clip'], set()).add(tuple(np.unique(mask_of(r))))
    assert all(len(found) >= 3 for found in sets.values())


def test_audio_of_an_object_is_in_its_seconds_only():
    sounding = ((0,), (), (1,), (0, 1), ())
    both = ClipPlan('ms3', 'train', 'x', ('dog', 'zebra'), sounding, (1, 2))
    first = ClipPlan(
        'ms3', 'train', 'x', ('dog', 'zebra'), tuple(tuple(i for i in s if i == 0) for s in sounding), (1, 2)
    )
    level = lambda wave: np.sqrt(np.mean(wave.reshape(5, RATE)[:, 400:-400] ** 2, axis=1))  # noqa: E731
    assert ((level(make_audio(both)) > 0.02) == [bool(s) for s in sounding]).all()
    assert ((level(make_audio(first)) > 0.02) == [0 in s for s in sounding]).all()


def test_images_have_silent_objects():
    """The visible objects do not determine the mask."""
    for plan in plan_clips('s4', (16, 4, 4), 0):
        assert len(plan.objects) == len(set(plan.objects)) >= 2 and set(plan.sounding) == {(0,)}
    frames = draw_clip(['cat', 'dog', 'bird'], (0, 1), 5)
    for image, masks in frames:
        assert image.shape == (HEIGHT, WIDTH, 3) and masks.shape == (3, HEIGHT, WIDTH)
        assert (masks.sum((1, 2)) > 50).all() and (masks.sum(0) <= 1).all()
    assert any((a[1] != b[1]).any() for a, b in itertools.pairwise(frames)), 'objects move'


def test_colors_and_indices_agree(mini_avsbench_root):
    seen = set()
    for r in records_of(mini_avsbench_root, 'v1m'):
        rgb = cv2.imread(r['seg_map_path'].replace('labels_semantic', 'labels_rgb'))[..., ::-1]
        index, known = index_colors(rgb)
        assert known.all() and np.array_equal(index, mask_of(r))
        seen |= set(np.unique(index).tolist())
    names = {default_classes()[i] for i in seen}
    assert names <= {'background', 'airplane', 'bird', 'bus', 'car', 'cat', 'dog'} and len(names) >= 5


def test_recordings_have_the_categories_of_s4(mini_avsbench_root):
    recordings, doubtful = read_sounds_csv(str(mini_avsbench_root / 'VGGSound' / 'vggsound.csv'))
    assert not doubtful and len(recordings) == 7 * len(KINDS)
    for r in recordings:
        assert (mini_avsbench_root / 'VGGSound' / 'audios' / f'{r.name}.wav').is_file()
    categories = {r['clip'].split('/')[2] for r in records_of(mini_avsbench_root, 's4', 'train')}
    assert categories == {category_of(name) for name in KINDS}
    assert category_of('car') == 'vehicle_horn'


def files_of(root):
    return {p.relative_to(root): p.read_bytes() for p in root.rglob('*') if p.is_file()}


def test_same_files_for_any_number_of_workers(tmp_path):
    for workers in (1, 2):
        assert make_mini_avsbench(tmp_path / str(workers), workers=workers, clips=(1, 1, 1), recordings=(1, 1))
    assert files_of(tmp_path / '1') == files_of(tmp_path / '2')


def test_seeds_give_other_videos():
    (first,), (second,) = (plan_clips('v2', (1, 0, 0), seed) for seed in (0, 1))
    assert first != second
    assert (make_audio(first) != make_audio(second)).any()
    assert (draw_clip(['cat'], first.seed, 1)[0][0] != draw_clip(['cat'], second.seed, 1)[0][0]).any()


def test_other_trees_are_replaced_on_request(tmp_path):
    settings = dict(clips=(1, 1, 1), recordings=(1, 1), workers=1)
    (tmp_path / 'set').mkdir()
    (tmp_path / 'set' / 'mini.json').write_text('{"seed": 9}')
    assert make_mini_avsbench(tmp_path / 'set', overwrite=True, **settings)
    assert (tmp_path / 'set' / 'AVSBench-semantic' / 'metadata.csv').is_file()


def test_complete_trees_and_other_folders_are_kept(tmp_path, mini_avsbench_root):
    before = {p: p.stat().st_mtime_ns for p in mini_avsbench_root.rglob('*')}
    settings = dict(clips=(8, 2, 2), recordings=(6, 1))
    assert not make_mini_avsbench(mini_avsbench_root, **settings)
    with pytest.raises(ValueError, match='--overwrite'):
        make_mini_avsbench(mini_avsbench_root, seed=5, **settings)
    assert {p: p.stat().st_mtime_ns for p in mini_avsbench_root.rglob('*')} == before
    (tmp_path / 'note.txt').write_text('mine')
    with pytest.raises(ValueError, match='has other files'):
        make_mini_avsbench(tmp_path, overwrite=True, **settings)
    assert (tmp_path / 'note.txt').read_text() == 'mine'
    with pytest.raises(ValueError, match='must be positive'):
        make_mini_avsbench(tmp_path / 'x', clips=(1, 0, 1))


def test_files_of_an_interrupted_run_are_removed(tmp_path):
    (tmp_path / 'set.part').mkdir()
    (tmp_path / 'set.part' / 'rest.txt').touch()
    assert make_mini_avsbench(tmp_path / 'set', clips=(1, 1, 1), recordings=(1, 1), workers=1)
    assert [p.name for p in tmp_path.iterdir()] == ['set'] and not list(tmp_path.rglob('rest.txt'))


@pytest.mark.parametrize('size', [1000, 60000])  # too small for an image, and for a recording
def test_full_disk_leaves_no_files_and_names_the_remedy(tmp_path, small_disk, size):
    with small_disk(size), pytest.raises(OSError, match=r'cannot write .*set: File too large; make room .*--out'):
        make_mini_avsbench(tmp_path / 'set', clips=(1, 1, 1), recordings=(1, 1), workers=1)
    assert not any(tmp_path.iterdir())
