"""Gives the entries of a state dict other names, and accounts for each of them."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from torch import Tensor, nn

from .reading import ConversionError

_MOST_LISTED = 8


class Renaming(NamedTuple):
    """What becomes of the entries of a checkpoint.

    Attributes:
        prefixes: Name of a module there -> its name here; the longest that fits decides.
        unused: Name of a module or entry there that has no use here -> why.
    """

    prefixes: Mapping[str, str]
    unused: Mapping[str, str] = {}

    def apply(self, state_dict: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, str]]:
        """Renames a state dict.

        Returns:
            The entries under their new names; and those that were left out, with the reason.

        Raises:
            ConversionError: Two entries have the same new name.
        """
        renamed, dropped, origin = {}, {}, {}
        for name, value in state_dict.items():
            if unused := _longest_prefix(name, self.unused):
                dropped[name] = self.unused[unused]
                continue
            new = _replace_prefix(name, self.prefixes)
            if new in renamed:
                raise ConversionError(f'{name} and {origin[new]} both stand for {new}')
            renamed[new], origin[new] = value, name
        return renamed, dropped

    def original(self, name: str) -> str:
        """The name there of an entry here."""
        return _replace_prefix(name, {new: old for old, new in self.prefixes.items()})


def check_complete(state_dict: Mapping[str, Tensor], model: nn.Module, renaming: Renaming, what: str) -> None:
    """Compares names and shapes with those of the model that is to load them.

    Args:
        state_dict: Entries under their new names.
        model: May be on the meta device.
        renaming: Of these entries, so that the message has the names of the file.
        what: What the model is, for the message.

    Raises:
        ConversionError: An entry is left over, missing, or of another shape.
    """
    expected = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in state_dict.items()}
    wrong = {
        'left over': [f'{renaming.original(n)} {found[n]}' for n in found if n not in expected],
        'missing': [f'{renaming.original(n)} {expected[n]}' for n in expected if n not in found],
        'of another shape': [
            f'{renaming.original(n)} {found[n]} instead of {expected[n]}'
            for n in found
            if found[n] != expected.get(n, found[n])
        ],
    }
    problems = [f'{len(names)} {kind}: {_shorten(names)}' for kind, names in wrong.items() if names]
    if problems:
        raise ConversionError(f'the entries are not those of {what}; ' + '; '.join(problems))


def _longest_prefix(name: str, prefixes: Iterable[str]) -> str | None:
    fitting = [p for p in prefixes if name == p or name.startswith(p + '.')]
    return max(fitting, key=len, default=None)


def _replace_prefix(name: str, prefixes: Mapping[str, str]) -> str:
    prefix = _longest_prefix(name, prefixes)
    return name if prefix is None else prefixes[prefix] + name[len(prefix) :]


def _shorten(names: list[str]) -> str:
    more = len(names) - _MOST_LISTED
    return ', '.join(names[:_MOST_LISTED]) + (f' and {more} more' if more > 0 else '')
