"""The classes of AVSBench-Semantic."""

import json
from functools import cache
from pathlib import Path

import yaml

NUM_CLASSES = 71
LABEL_FILE = 'label2idx.json'


@cache
def default_classes() -> tuple[str, ...]:
    """The names of ``avsbench_classes.yaml`` in index order."""
    path = Path(__file__).with_name('avsbench_classes.yaml')
    return tuple(yaml.safe_load(path.read_text(encoding='utf-8'))['classes'])


def read_label_file(path: str | Path) -> tuple[str, ...]:
    """The class names of a released ``label2idx.json``, which maps names to indices, in index order.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: The file has another format, or its indices are not 0 (background) to 70.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f'classes not found: {path}. It is part of the AVSBench-Semantic download; set `data_root` of the '
            'dataset to the folder of the unpacked download'
        )
    try:
        content = json.loads(path.read_text(encoding='utf-8-sig'))
    except ValueError as error:
        raise ValueError(f'{path} is not valid JSON: {error}') from error
    if not isinstance(content, dict) or not all(type(index) is int for index in content.values()):
        raise ValueError(f'{path} must map the name of each class to its index, an integer')
    names = {index: name for name, index in content.items()}
    if sorted(content.values()) != list(range(NUM_CLASSES)):
        wrong = sorted(set(range(NUM_CLASSES)) ^ set(names))
        raise ValueError(
            f'{path} must have {NUM_CLASSES} classes with indices 0 to {NUM_CLASSES - 1}, each once; it has '
            f'{len(content)}' + (f', and differs in the indices {wrong[:5]}' if wrong else ' with an index twice')
        )
    if names[0].lower() != 'background':
        raise ValueError(f'{path} must assign index 0 to background, not to {names[0]!r}')
    return tuple(names[index] for index in range(NUM_CLASSES))
