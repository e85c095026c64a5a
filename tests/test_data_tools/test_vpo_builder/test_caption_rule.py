import pytest

from mmavs.data_tools.vpo_builder.caption_rule import CaptionRule
from mmavs.datasets.metainfo.vpo_classes import load_class_table


@pytest.fixture(scope='module')
def rule():
    return CaptionRule(load_class_table(), ['person', 'elephant', 'sheep', 'bus'])


def decide(rule, captions, *, count, crowd=False):
    said = 0
    for caption in captions:
        said |= rule.read(caption)
    index = rule.decide('person', said, count=count, crowd=crowd)
    return None if index is None else load_class_table().classes[index].name


@pytest.mark.parametrize(
    'captions, count, expected',
    [
        (['A woman cuts a cake.'], 1, 'female'),
        (['A WOMAN cuts a cake.', 'Somebody in a kitchen'], 1, 'female'),
        (['A man rides a horse.', 'A person on a horse'], 1, 'male'),
        (['Two men and their bikes'], 1, 'male'),
        (['A newborn sleeps.'], 1, 'baby'),
        (['A man and a woman'], 1, None),
        (['A man in a room', 'A lady with a bag'], 1, None),
        (['Somebody in a room'], 1, None),
        (['A womanly manner, humans and a mango'], 1, None),
        (['Two women talk.'], 2, 'female'),
        (['Two women talk.', 'A woman talks to another.'], 2, 'female'),
        (['A woman talks.'], 2, None),
        (['Two women talk.', 'People in a cafe'], 2, None),
        (['A group of men'], 3, None),
        (['People and one man'], 1, 'male'),
        ([], 1, None),
    ],
)
def test_named_class_decides_only_if_unambiguous(rule, captions, count, expected):
    assert decide(rule, captions, count=count) == expected


def test_crowd_counts_as_further_instances(rule):
    assert decide(rule, ['A man talks.'], count=1, crowd=True) is None
    assert decide(rule, ['Men talk.'], count=1, crowd=True) == 'male'


def test_word_that_describes_another_category_makes_the_class_ambiguous(rule):
    assert decide(rule, ['A baby elephant walks.'], count=1) is None
    assert decide(rule, ['Two baby  elephants and a man'], count=1) is None
    assert decide(rule, ['A baby elephant', 'a baby laughs at it'], count=1) == 'baby'
    assert decide(rule, ['A male person'], count=1) == 'male'


def test_table_without_caption_words_reads_nothing(tmp_path):
    path = tmp_path / 'classes.yaml'
    path.write_text('classes: [{name: dog, coco: dog, mask_id: 1, sounds: [bark]}]\nunclear_captions: [people]\n')
    rule = CaptionRule(load_class_table(str(path)), ['dog'])
    assert rule.categories == ()
    assert rule.read('a man with people and a dog') == 0
