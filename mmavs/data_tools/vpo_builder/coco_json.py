"""Reading of COCO's JSON files without holding their complete parsed form in memory."""

import json
import os
import re
from collections.abc import Callable
from typing import Any

from tqdm import tqdm


def read_text(path: str) -> str:
    """Reads a UTF-8 file, with or without a byte order mark.

    Raises:
        ValueError: It has another encoding.
    """
    try:
        with open(path, encoding='utf-8-sig') as f:
            return f.read()
    except UnicodeDecodeError as error:
        raise ValueError(f'{path}: not UTF-8 text: {error}') from error


def parse_json(path: str, text: str, compact: Callable[[dict[str, Any]], Any]) -> Any:
    """Parses JSON with ``compact`` as the object hook, and a progress bar that counts annotations.

    Raises:
        ValueError: The text is not valid JSON; the message has the position.
    """
    with tqdm(
        total=text.count('"image_id"'), desc=f'Reading {os.path.basename(path)}', unit='ann', mininterval=0.5
    ) as bar:
        done = 0

        def hook(entry: dict[str, Any]) -> Any:
            nonlocal done
            if 'image_id' in entry:
                done += 1
                if done % 2000 == 0:
                    bar.update(2000)
            return compact(entry)

        try:
            content = json.loads(text, object_hook=hook)
        except json.JSONDecodeError as error:
            raise _invalid_json(path, error) from error
        bar.update(done % 2000)
    return content


def _invalid_json(path: str, error: json.JSONDecodeError) -> ValueError:
    cut_off = error.pos >= len(error.doc.rstrip()) or error.msg.startswith('Unterminated')
    return ValueError(
        f'{path}: not valid JSON: {error.msg} in line {error.lineno}, column {error.colno}, character {error.pos} of '
        f'{len(error.doc)}' + (': the file is truncated' if cut_off else '')
    )


def find_categories(path: str, text: str) -> dict[int, str]:
    """Finds the names of the categories by id before the other content is parsed; COCO's files have them at the end.

    Raises:
        ValueError: The text is not valid JSON, has no list of categories, or uses an id for two names.
    """
    for match in re.finditer(r'"categories"\s*:\s*(?=\[)', text):
        try:
            entries, _ = json.JSONDecoder().raw_decode(text, match.end())
            pairs = [(entry['id'], str(entry['name'])) for entry in entries]
            names = dict(pairs)
        except (ValueError, KeyError, TypeError):
            continue
        for category_id, name in pairs:
            if names[category_id] != name:
                raise ValueError(
                    f'{path}: categories {name!r} and {names[category_id]!r} have the same id {category_id}; ids must '
                    'differ'
                )
        return names
    try:
        json.loads(text, object_hook=lambda entry: None)
    except json.JSONDecodeError as error:
        raise _invalid_json(path, error) from error
    raise ValueError(
        f"{path}: no list 'categories' of entries with 'id' and 'name'; --instances takes a COCO instances file"
    )
