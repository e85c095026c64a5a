import pytest

from mmavs.datasets.metainfo.vpo_classes import load_class_table

NAMES = (
    'background',
    'airplane',
    'baby',
    'bird',
    'bus',
    'car',
    'cat',
    'cell phone',
    'cow',
    'dog',
    'elephant',
    'female',
    'horse',
    'keyboard',
    'male',
    'motorcycle',
    'mouse',
    'sheep',
    'skateboard',
    'sports ball',
    'tennis racket',
    'zebra',
)
MASK_IDS = (0, 5, 94, 16, 6, 3, 17, 77, 21, 18, 22, 93, 19, 76, 92, 4, 74, 20, 41, 37, 43, 24)
ONE = 'classes: [{name: cat, coco: cat, mask_id: 17, sounds: [cat meowing]}]'


def write(tmp_path, text):
    path = tmp_path / 'classes.yaml'
    path.write_text(text)
    return str(path)


def test_released_classes():
    table = load_class_table()
    assert table.names == NAMES
    assert table.mask_ids == MASK_IDS


def test_each_recording_label_belongs_to_one_class():
    sounds = [s for c in load_class_table().classes for s in c.sounds]
    assert len(sounds) == len(set(sounds))


def test_captions_distinguish_person_classes():
    captions = {c.name: c.captions for c in load_class_table().classes if c.coco == 'person'}
    assert set(captions) == {'baby', 'female', 'male'}
    words = [w for c in captions.values() for w in (*c['singular'], *c['plural'])]
    assert len(words) == len(set(words))
    assert not set(words) & set(load_class_table().unclear_captions)


def test_own_class_file(tmp_path):
    table = load_class_table(write(tmp_path, ONE + '\nunclear_captions: [crowd]'))
    assert table.names == ('background', 'cat')
    assert table.mask_ids == (0, 17)
    assert table.classes[0].sounds == ('cat meowing',)
    assert table.classes[0].captions is None
    assert table.unclear_captions == ('crowd',)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere.yaml'):
        load_class_table(str(tmp_path / 'nowhere.yaml'))


CAT = '{name: cat, coco: cat, mask_id: 17, sounds: [cat meowing]}'
WRONG = [
    ('classes: [', 'not valid YAML'),
    ('', "list with the key 'classes'"),
    ('[1, 2]', "list with the key 'classes'"),
    ('classes: {}', "list with the key 'classes'"),
    ('classes: []', "list with the key 'classes'"),
    ('classes: [cat]', 'entry 0 of classes has no name, coco, mask_id, sounds'),
    (f'classes: [{CAT}, {{name: dog}}]', 'entry 1 of classes has no coco, mask_id, sounds'),
    (f'classes: [{CAT}, {CAT.replace("17", "18")}]', 'name used by more than one class: cat'),
    (f'classes: [{CAT}, {CAT.replace("name: cat", "name: dog")}]', 'mask_id used by more than one class: 17'),
    (ONE.replace('17', '0'), "mask_id of 'cat' must be an integer from 1 to 254, got 0"),
    (ONE.replace('17', '255'), 'from 1 to 254, got 255'),
    (ONE.replace('17', '1.5'), 'from 1 to 254, got 1.5'),
    (ONE.replace('name: cat', 'name: background'), 'a name other than background'),
    (ONE.replace('[cat meowing]', '[]'), 'list of sounds'),
    (ONE.replace('[cat meowing]', 'cat meowing'), 'list of sounds'),
    (ONE.replace('mask_id', 'captions: {plurals: [cats]}, mask_id'), 'can only have the keys singular and plural'),
    (ONE.replace('mask_id', 'captions: [cats], mask_id'), 'can only have the keys singular and plural'),
]


@pytest.mark.parametrize(('text', 'message'), WRONG)
def test_wrong_class_file(tmp_path, text, message):
    with pytest.raises(ValueError, match=rf'classes\.yaml.*{message}'):
        load_class_table(write(tmp_path, text))
