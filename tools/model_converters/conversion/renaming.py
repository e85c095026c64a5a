"""Renames the entries of a state dict and checks that all of them are used."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from torch import Tensor, nn

from .reading import ConversionError

_MOST_LISTED = 8


class Renaming(NamedTuple):
    """A mapping of names in a checkpoint to names in mmavs.

    Attributes:
        prefixes: Name of a module in the checkpoint -> its name in mmavs; the longest match applies.
        unused: Name of a module or entry of the checkpoint that is not needed -> reason.
    """

    prefixes: Mapping[str, str]
    unused: Mapping[str, str] = {}

    def apply(self, state_dict: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, str]]:
        """Renames a state dict.

        Returns:
            The entries by their new names, and the names of those that were left out with the reason.

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
                raise ConversionError(f'{name} and {origin[new]} both become {new}')
            renamed[new], origin[new] = value, name
        return renamed, dropped

    def original(self, name: str) -> str:
        """The name in the checkpoint of an entry in mmavs."""
        return _replace_prefix(name, {new: old for old, new in self.prefixes.items()})


def check_complete(state_dict: Mapping[str, Tensor], model: nn.Module, renaming: Renaming, what: str) -> None:
    """Compares names and shapes with those of the model.

    Args:
        state_dict: Entries by their new names.
        model: The model that loads them; may be on the meta device.
        renaming: The mapping, for the names of the file in the message.
        what: A description of the model for the message.

    Raises:
        ConversionError: An entry is unexpected, missing, or of another shape.
    """
    expected = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in state_dict.items()}
    wrong = {
        'unexpected': [f'{renaming.original(n)} {found[n]}' for n in found if n not in expected],
        'missing': [f'{renaming.original(n)} {expected[n]}' for n in expected if n not in found],
        'of another shape': [
            f'{renaming.original(n)} {found[n]} instead of {expected[n]}'
            for n in found
            if found[n] != expected.get(n, found[n])
        ],
    }
    problems = [f'{len(names)} {kind}: {_shorten(names)}' for kind, names in wrong.items() if names]
    if problems:
        raise ConversionError(f'the entries do not match {what}; ' + '; '.join(problems))


def _longest_prefix(name: str, prefixes: Iterable[str]) -> str | None:
    matches = [p for p in prefixes if name == p or name.startswith(p + '.')]
    return max(matches, key=len, default=None)


def _replace_prefix(name: str, prefixes: Mapping[str, str]) -> str:
    prefix = _longest_prefix(name, prefixes)
    return name if prefix is None else prefixes[prefix] + name[len(prefix) :]


def _shorten(names: list[str]) -> str:
    more = len(names) - _MOST_LISTED
    return ', '.join(names[:_MOST_LISTED]) + (f' and {more} more' if more > 0 else '')
