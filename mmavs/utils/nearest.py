import difflib
from collections.abc import Iterable


def nearest_hint(name: str, known: Iterable[str]) -> str:
    """``'; did you mean NAME?'`` for the known name that is most similar to ``name``; empty if none is similar."""
    found = difflib.get_close_matches(name, list(known), n=1)
    return f'; did you mean {found[0]!r}?' if found else ''
