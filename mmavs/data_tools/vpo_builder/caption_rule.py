"""Class of the instances of a COCO category that has several classes, derived from the captions of the image.

COCO's *person* is male, female or baby in VPO. The paper does not describe how the three were distinguished. This rule
uses only images with unambiguous captions.
"""

import re
from collections.abc import Iterable

from mmavs.datasets.metainfo.vpo_classes import ClassTable

_UNCLEAR = 1
_NAMED, _SINGULAR, _PLURAL = 1, 2, 4


class CaptionRule:
    """Searches captions for the words of a class table.

    The words found in a caption are stored as bits of one integer, which needs little memory; those of several captions
    are combined with ``|``.

    Args:
        table: The classes; the rule applies to those with ``captions``.
        categories: Names of all COCO categories. In 'baby elephant', the word before such a name describes the
            elephant: it counts as a mention, which makes other classes ambiguous, but does not decide the class.
    """

    def __init__(self, table: ClassTable, categories: Iterable[str] = ()) -> None:
        self._classes: dict[str, list[int]] = {}
        self._bits: dict[str, int] = {}
        for index, entry in enumerate(table.classes):
            if entry.captions is not None:
                self._classes.setdefault(entry.coco, []).append(index)
                for kind, bit in (('singular', _SINGULAR), ('plural', _PLURAL)):
                    self._add(entry.captions.get(kind) or (), self._shift(index, _NAMED | bit))
        if self._bits:
            self._add(table.unclear_captions, _UNCLEAR)
        self._words = _whole_words(self._bits)
        others = [c for c in categories if c not in self._classes]
        self._thing = re.compile(rf'\s+(?:{"|".join(map(re.escape, others))})(?:e?s)?(?!\w)') if others else None

    @property
    def categories(self) -> tuple[str, ...]:
        """COCO categories that need captions."""
        return tuple(self._classes)

    def read(self, caption: str) -> int:
        """Bits of the words in one caption; 0 if there are none. Case is ignored, and only complete words match."""
        caption_bits = 0
        text = caption.lower()
        for match in self._words.finditer(text) if self._words else ():
            bits = self._bits[match.group()]
            if self._thing is not None and self._thing.match(text, match.end()):
                bits &= ~self._all(_SINGULAR | _PLURAL)
            caption_bits |= bits
        return caption_bits

    def decide(self, category: str, caption_bits: int, *, count: int, crowd: bool) -> int | None:
        """The class of all instances of a category in one image.

        Args:
            category: A COCO category of :attr:`categories`.
            caption_bits: Bits of the captions of the image, from :meth:`read`.
            count: Number of instances of the category in the image.
            crowd: True if the image also has a crowd of the category.

        Returns:
            Index into the classes of the table (0 is the first class, not the background), or None if the captions are
            ambiguous: they name no class or several, they have no plural word for several instances, or they have one
                of
            the table's ``unclear_captions``.
        """
        named = [c for c in self._classes[category] if caption_bits & self._shift(c, _NAMED)]
        if len(named) != 1:
            return None
        if count == 1 and not crowd:
            clear = caption_bits & self._shift(named[0], _SINGULAR | _PLURAL)
        else:
            clear = caption_bits & self._shift(named[0], _PLURAL) and not caption_bits & _UNCLEAR
        return named[0] if clear else None

    def _add(self, words: Iterable[str], bits: int) -> None:
        for word in words:
            self._bits[str(word).lower()] = self._bits.get(str(word).lower(), 0) | bits

    def _all(self, bits: int) -> int:
        return sum(self._shift(c, bits) for members in self._classes.values() for c in members)

    @staticmethod
    def _shift(index: int, bits: int) -> int:
        return bits << (3 * index + 1)


def _whole_words(words: Iterable[str]) -> re.Pattern | None:
    """Matches any of the words. The longest come first, since words may start with other words."""
    ordered = sorted(words, key=lambda w: (-len(w), w))
    return re.compile(rf'(?<!\w)(?:{"|".join(map(re.escape, ordered))})(?!\w)') if ordered else None
