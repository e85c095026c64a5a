"""Label tables: the class index of each value of a mask file. Does not need torch."""

from collections.abc import Mapping, Sequence

import numpy as np

IGNORE_INDEX = 255
"""Label of the pixels that losses and metrics ignore."""
UNKNOWN_VALUE = 254
"""Label, in a label table, of mask values without a class."""
MAX_CLASSES = 254
"""Maximum number of classes, background included: two of the 256 labels of 8 bits are reserved as above."""


def make_label_table(
    values: Sequence[int], *, label_map: Mapping[int, int] | None = None, ignored_values: Sequence[int] | None = None
) -> np.ndarray:
    """Makes the look-up table of ``LoadAVAnnotations``.

    Args:
        values: Mask value of each class in index order.
        label_map: New index of each index, to train with some of the classes.
        ignored_values: Mask values of pixels to ignore. None for 255, or for no value if a class has the value 255.

    Returns:
        np.ndarray: uint8 (256,), class index of each value, ``IGNORE_INDEX`` for values to ignore and ``UNKNOWN_VALUE``
        for all others.

    Raises:
        ValueError: There are more than ``MAX_CLASSES`` classes, a value is not an integer of 8 bits, or two classes or
            a class and the pixels to ignore have the same value.
    """
    values = [int(v) for v in values]
    if ignored_values is None:
        ignored_values = () if IGNORE_INDEX in values else (IGNORE_INDEX,)
    if len(values) > MAX_CLASSES:
        raise ValueError(
            f'{len(values)} classes are too many: masks have 8 bits, which hold at most {MAX_CLASSES} classes with '
            'background'
        )
    if outside := [v for v in (*values, *ignored_values) if not 0 <= v <= 255]:
        raise ValueError(f'mask values must lie in [0, 255], got {outside}: masks have 8 bits')
    if repeated := sorted({v for v in values if values.count(v) > 1}):
        raise ValueError(f'mask_values has {repeated} for more than one class')
    if common := sorted(set(values) & set(ignored_values)):
        raise ValueError(f'{common} are in mask_values and in ignored_values')
    table = np.full(256, UNKNOWN_VALUE, dtype=np.uint8)
    table[values] = [i if label_map is None else label_map[i] for i in range(len(values))]
    table[list(ignored_values)] = IGNORE_INDEX
    return table
