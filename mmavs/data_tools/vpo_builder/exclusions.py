"""Counts of the inputs that a build does not use, by reason."""

from collections.abc import Iterator


class Exclusions:
    """Number of excluded items by reason, with the first item of each reason as an example."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._examples: dict[str, str] = {}

    def add(self, reason: str, example: str, count: int = 1) -> None:
        """Counts ``count`` items that are excluded for ``reason``; ``example`` names one of them."""
        self._counts[reason] = self._counts.get(reason, 0) + count
        self._examples.setdefault(reason, example)

    def update(self, other: 'Exclusions') -> None:
        """Adds the items of another count."""
        for reason, count, example in other:
            self.add(reason, example, count)

    def __iter__(self) -> Iterator[tuple[str, int, str]]:
        """(reason, count, example), the most frequent reason first."""
        for reason in sorted(self._counts, key=lambda r: (-self._counts[r], r)):
            yield reason, self._counts[reason], self._examples[reason]

    def __len__(self) -> int:
        """Number of reasons."""
        return len(self._counts)

    def as_dict(self) -> dict[str, dict[str, int | str]]:
        """``{reason: {'count': n, 'example': name}}`` for the manifest."""
        return {reason: {'count': count, 'example': example} for reason, count, example in self}

    def as_text(self) -> str:
        """One indented line per reason: count, reason and example."""
        return '\n'.join(f'  {count} x {reason} (for example {example})' for reason, count, example in self)
