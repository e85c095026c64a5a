"""Every kind of problem that a check of a dataset finds, each alone on a tree that is clean otherwise."""

import cv2
import numpy as np
import pytest
import soundfile
from av_tree import CAT, DOG, RATE, SECONDS, av_config, image_path, mask_path, sound_path, write_clean_tree
from vpo_tree import csv_path, read_rows, write_rows

from mmavs.data_tools.checking.check import check_config
from mmavs.data_tools.checking.contents import leaf_datasets
from mmavs.datasets.metainfo.vpo_classes import load_class_table


@pytest.fixture
def root(tmp_path):
    return write_clean_tree(tmp_path / 'data')


def check(cfg, **kwargs):
    return check_config(cfg, workers=1, **kwargs)


def found(root, **kwargs):
    """(level, kind, name of the file, loaders) of every problem."""
    return [(p.level, p.kind, p.path.rsplit('/', 1)[-1], p.loaders) for p in check(av_config(root, **kwargs))[0]]


def change_rows(root, change):
    rows = read_rows(csv_path(root, 'ms'))
    change(rows)
    write_rows(csv_path(root, 'ms'), rows)


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def edit_mask(root, change):
    mask = cv2.imread(str(mask_path(root, 0)), cv2.IMREAD_UNCHANGED)
    cv2.imwrite(str(mask_path(root, 0)), change(mask))


def paint(old, new):
    return lambda mask: np.where(mask == old, new, mask).astype(np.uint8)


def test_a_clean_set_has_no_problem(root):
    problems, counts, _ = check(av_config(root))
    assert problems == []
    assert counts == {'train samples': 2, 'test samples': 2, 'images': 4, 'masks': 4, 'recordings': 8}


IMAGE, MASK, SOUND, CSV = '000000000000.jpg', '000000000000.png', 'sound0_000010.wav', 'vpo_ms_data_stereo.csv'
FILES = {
    'missing image': (lambda r: image_path(r, 0).unlink(), IMAGE),
    'truncated image': (lambda r: cut(image_path(r, 0)), IMAGE),
    'unreadable image': (lambda r: image_path(r, 0).write_text('<html>'), IMAGE),
    'missing mask': (lambda r: mask_path(r, 0).unlink(), MASK),
    'truncated mask': (lambda r: cut(mask_path(r, 0)), MASK),
    'unreadable mask': (lambda r: mask_path(r, 0).write_bytes(b''), MASK),
    'wrong mask type': (lambda r: edit_mask(r, lambda m: np.stack([m] * 3, -1)), MASK),
    'mask of another size': (lambda r: edit_mask(r, lambda m: m[:-1]), MASK),
    'unknown mask values': (lambda r: edit_mask(r, lambda m: np.where(m == 0, 200, m).astype(np.uint8)), MASK),
    'sounding class without pixels': (lambda r: edit_mask(r, paint(CAT.mask_id, 0)), MASK),
    'missing recording': (lambda r: sound_path(r, 0).unlink(), SOUND),
    'truncated recording': (lambda r: cut(sound_path(r, 0)), SOUND),
    'unreadable recording': (lambda r: sound_path(r, 0).write_text('<html>'), SOUND),
    'empty recording': (lambda r: soundfile.write(sound_path(r, 0), np.zeros(0), RATE), SOUND),
    'NaN in recording': (lambda r: soundfile.write(sound_path(r, 0), np.full(RATE, np.nan), RATE, 'FLOAT'), SOUND),
    'too large values in recording': (
        lambda r: soundfile.write(sound_path(r, 0), np.full(RATE, 1e19), RATE, 'FLOAT'),
        SOUND,
    ),
    'unusual rate in recording': (lambda r: soundfile.write(sound_path(r, 0), np.ones(44101), 44101), SOUND),
}


@pytest.mark.parametrize('kind', FILES)
def test_broken_file(root, kind):
    breaks, name = FILES[kind]
    breaks(root)
    assert found(root) == [('error', kind, name, 'train')]


def test_short_and_silent_recordings_are_warnings(root):
    soundfile.write(sound_path(root, 0), np.zeros(int(RATE * SECONDS)), RATE)
    soundfile.write(sound_path(root, 5), np.zeros(int(RATE * SECONDS)), RATE)  # equal, but no leak
    soundfile.write(sound_path(root, 1), np.sin(np.arange(10)) / 2, RATE)
    assert found(root) == [
        ('warning', 'short recording', 'sound1_000010.wav', 'train'),
        ('warning', 'silent recording', 'sound0_000010.wav', 'train'),
        ('warning', 'silent recording', 'sound5_000010.wav', 'test'),
    ]


def write_gap(root, index, gap=0.5, offset=0.2):
    """A tone of 4 clips' length whose middle, of ``gap`` of it, is a constant offset."""
    place = np.linspace(-0.5, 0.5, int(4 * RATE * SECONDS))
    tone = np.sin(np.arange(len(place)) / (3 + index)) / 2
    soundfile.write(sound_path(root, index), np.where(np.abs(place) < gap / 2, offset, tone), RATE)


def test_silence_of_the_seconds_that_samples_use(root):
    write_gap(root, 0)
    write_gap(root, 1, gap=0.2)  # shorter than a clip
    assert found(root) == [('warning', 'silent recording', 'sound0_000010.wav', 'train')]
    cfg = av_config(root)
    for loader in ('train', 'test'):
        cfg[f'{loader}_dataloader'].dataset.pipeline[1].excerpt = 'loudest'
    assert check(cfg)[0] == []
    write_gap(root, 0, gap=1.1)
    (problem,) = check(cfg)[0]
    assert problem.kind == 'silent recording' and 'seconds 0.000 to 1.000' in problem.detail


def test_channels_that_cancel_are_silent_unless_they_are_kept(root):
    tone = np.sin(np.arange(int(RATE * SECONDS)) / 5) / 2
    soundfile.write(sound_path(root, 0), np.stack([tone, -tone], 1), RATE)
    assert [p[1] for p in found(root)] == ['silent recording']
    cfg = av_config(root)
    cfg.train_dataloader.dataset.pipeline[1].keep_channels = True
    assert check(cfg)[0] == []
    soundfile.write(sound_path(root, 0), np.stack([tone] * 3, 1), RATE)
    assert [p.kind for p in check(cfg)[0]] == ['too many channels in recording']


def test_masks_with_few_pixels_of_a_class(root):
    def stray(pixels):
        def change(mask):
            mask[0, :pixels] = next(c for c in load_class_table().classes if c.name == 'bird').mask_id
            return mask

        return change

    edit_mask(root, stray(20))
    assert found(root) == []
    edit_mask(root, paint(next(c for c in load_class_table().classes if c.name == 'bird').mask_id, 0))
    edit_mask(root, stray(19))
    (problem,) = check(av_config(root))[0]
    assert problem[:2] == ('warning', 'class with few pixels') and problem.detail.endswith('bird has 19')


@pytest.mark.parametrize('ignored', [True, False])
def test_set_without_foreground(root, ignored):
    """As masks exported with 0 for background and 255 for the object."""
    for i in range(2):
        mask = cv2.imread(str(mask_path(root, i)), cv2.IMREAD_UNCHANGED)
        cv2.imwrite(str(mask_path(root, i)), np.where(mask > 0, 255 * ignored, 0).astype(np.uint8))
    (problem,) = [p for p in check(av_config(root))[0] if p.kind == 'no foreground']
    assert problem[0] == 'error' and problem.loaders == 'train'
    assert problem.detail.startswith('all 2 masks contain background only')
    assert ('set mask_values=(0, 255)' in problem.detail) == ignored


def test_evaluation_on_training_images_on_purpose(root):
    cfg = av_config(root, loaders=('train', 'val', 'test'))
    for loader in ('val', 'test'):
        cfg[f'{loader}_dataloader'].dataset.split = 'train'
    assert {p[:2] for p in check(cfg)[0]} == {('error', 'shared image'), ('error', 'shared recording')}
    cfg.evaluates_on_train = True
    problems = check(cfg)[0]
    assert [p[:2] + (p.loaders,) for p in problems] == [
        ('warning', 'shared images on purpose', 'train, val, test'),
        ('warning', 'shared recordings on purpose', 'train, val, test'),
    ]
    assert problems[0].detail.startswith(
        'training shares 2 images with validation or test, since the config has evaluates_on_train'
    )


def test_length_of_a_clip_is_that_of_the_pipeline(root):
    assert {p[1] for p in found(root, duration=2 * SECONDS)} == {'short recording'}


def test_recordings_that_no_pipeline_reads_are_not_checked(root):
    cfg = av_config(root)
    for loader in ('train', 'test'):
        cfg[f'{loader}_dataloader'].dataset.pipeline[1].silent = True
    sound_path(root, 0).unlink()
    problems, counts, _ = check(cfg)
    assert problems == [] and counts['recordings'] == 0


@pytest.mark.parametrize(
    ('kind', 'change'),
    [
        ('bad position', dict(audio_pos='nan')),
        ('unknown class', dict(cateName='unicorn')),
        ('incomplete row', dict(vgg_file='')),
    ],
)
def test_bad_row(root, kind, change):
    change_rows(root, lambda rows: rows[0].update(change))
    loaders = 'train, test' if kind == 'incomplete row' else 'train'  # whatever its split
    assert found(root) == [('error', kind, CSV, loaders)]


def test_rows_with_too_few_and_too_many_values(root):
    path = csv_path(root, 'ms')
    path.write_text(path.read_text() + '8,80,0,cat\n' + '8,80,0,cat,sound0_000010,0.5,0,train,more\n')
    assert found(root) == [('error', 'incomplete row', CSV, 'train, test')] * 2


def test_all_bad_rows_are_found_at_once(root):
    wrong = ('-0.1', '', '2', 'left')
    change_rows(root, lambda rows: [rows[i].update(audio_pos=value) for i, value in enumerate(wrong)])
    problems, *_ = check(av_config(root))
    assert [p.detail.split(', line ')[1][0] for p in problems[:4]] == ['2', '3', '4', '5']
    assert {p.kind for p in problems} == {'bad position', 'empty split'}


def test_empty_split_and_missing_annotation(root):
    change_rows(root, lambda rows: [r.update(split='train') for r in rows])
    assert found(root) == [('error', 'empty split', CSV, 'test')]
    csv_path(root, 'ms').unlink()
    assert found(root) == [('error', 'bad annotation', CSV, 'train, test')]


def test_repeated_rows(root):
    change_rows(root, lambda rows: rows.append(rows[0]))
    assert found(root) == [
        ('error', 'duplicate source', IMAGE, 'train'),
        ('warning', 'duplicate row', CSV, 'train'),
    ]


def test_object_with_two_recordings(root):
    change_rows(root, lambda rows: rows.append(dict(rows[0], vgg_file='sound1_000010')))
    assert found(root) == [('warning', 'repeated object', CSV, 'train')]


def test_rows_of_unknown_splits(root):
    change_rows(root, lambda rows: [rows[i].update(split='Test ') for i in (6, 7)])
    assert found(root) == [('warning', 'unknown split', CSV, 'train, test')]


@pytest.mark.parametrize(
    'content', ['Säge'.encode('cp1252'), b'"' + b'0\n' * 70_000], ids=['encoding', 'quotation mark']
)
def test_annotation_that_is_no_csv_in_utf8(root, content):
    path = csv_path(root, 'ms')
    path.write_bytes(path.read_bytes() + content)
    assert found(root) == [('error', 'bad annotation', CSV, 'train, test')]


def test_class_missing_from_training(root):
    """The dogs of the training become cats, in the annotation and in the masks."""
    change_rows(root, lambda rows: [rows[i].update(cateName='cat') for i in (1, 3)])
    assert [kind for _, kind, *_ in found(root)] == [], 'pixels alone are something to learn from'
    for i in range(2):
        mask = cv2.imread(str(mask_path(root, i)), cv2.IMREAD_UNCHANGED)
        cv2.imwrite(str(mask_path(root, i)), paint(DOG.mask_id, CAT.mask_id)(mask))
    cfg = av_config(root, loaders=('train', 'val', 'test'))
    cfg.val_dataloader = cfg.test_dataloader
    (problem,) = check(cfg)[0]
    assert problem[:2] == ('warning', 'class missing from training') and problem.loaders == 'val, test'
    assert problem.path.endswith(CSV) and problem.detail.startswith('dog does not occur in training')
    assert check(cfg, loaders=['val', 'test'])[0] == [], 'without a training there is nothing to compare with'


def test_dataset_twice_in_a_loader_is_reported(root):
    cfg = av_config(root, loaders=('train',))
    twice = dict(type='ConcatDataset', datasets=[cfg.train_dataloader.dataset] * 2)
    cfg.train_dataloader.dataset = dict(type='RepeatDataset', times=3, dataset=twice)
    problems, counts, _ = check(cfg)
    assert [p.kind for p in problems] == ['duplicate sample'] * 2
    assert counts['train samples'] == 4 and counts['images'] == 2


def test_images_and_recordings_shared_by_training_and_test(root):
    change_rows(root, lambda rows: rows[7].update(vgg_file=rows[0]['vgg_file']))
    image_path(root, 3).write_bytes(image_path(root, 1).read_bytes())  # under another name
    shared = [p for p in found(root) if p[0] == 'error']
    assert shared == [
        ('error', 'shared image', '000000000003.jpg', 'train, test'),
        ('error', 'shared recording', SOUND, 'train, test'),
    ]


def test_validation_and_test_may_be_the_same(root):
    cfg = av_config(root)
    cfg.val_dataloader = cfg.test_dataloader
    assert check(cfg)[0] == []
    mask_path(root, 3).unlink()
    assert [p.loaders for p in check(cfg)[0]] == ['val, test']


def test_order_does_not_depend_on_the_workers(tmp_path):
    root = write_clean_tree(tmp_path, images=12)  # 36 files, more than one chunk
    for i in range(0, 12, 2):
        image_path(root, i).unlink()
        sound_path(root, i).write_text('x')
    alone = check(av_config(root))
    assert len(alone[0]) == 12
    assert check_config(av_config(root), workers=2) == alone


def test_loaders_can_be_chosen_and_must_be_there(root):
    image_path(root, 0).unlink()
    assert check(av_config(root), loaders=['test'])[0] == []
    with pytest.raises(ValueError, match='no val_dataloader; it has train, test'):
        check(av_config(root), loaders=['val'])
    with pytest.raises(ValueError, match='none of train_dataloader'):
        check(av_config(root, loaders=()))


def test_datasets_inside_of_wrappers():
    leaf = dict(type='A')
    wrapped = dict(type='X', dataset=dict(type='ConcatDataset', datasets=[leaf, dict(type='Y', dataset=leaf)]))
    assert list(leaf_datasets(wrapped)) == [leaf, leaf]
