"""CSV, statistics and manifest of a subset."""

import csv
import io
import json
import os
from collections import Counter
from collections.abc import Iterable
from typing import Any

from mmavs.datasets.metainfo.vpo_classes import ClassTable
from mmavs.utils.files import write_text

from .output import SUBSET_FOLDERS
from .sampling import SPLITS, Sample

COLUMNS = ('img_Id', 'ann_Ids', 'cateId', 'cateName', 'vgg_file', 'audio_pos', 'multi_instance', 'split')


def sample_rows(samples: Iterable[Sample], table: ClassTable, *, multi_instance: bool) -> list[dict[str, Any]]:
    """CSV rows, one per sounding object."""
    return [
        {
            'img_Id': f'{sample.image_id:012d}',
            'ann_Ids': source.ann_id,
            'cateId': table.classes[source.cls].mask_id,
            'cateName': table.classes[source.cls].name,
            'vgg_file': source.recording,
            'audio_pos': f'{source.position:.6f}',
            'multi_instance': int(multi_instance),
            'split': sample.split,
        }
        for sample in samples
        for source in sample.sources
    ]


def write_csv(out: str, subset: str, rows: Iterable[dict[str, Any]]) -> None:
    """Writes ``vpo_<subset>_data_stereo.csv``."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator='\n')
    writer.writeheader()
    writer.writerows(rows)
    write_text(os.path.join(out, SUBSET_FOLDERS[subset], f'vpo_{subset}_data_stereo.csv'), text.getvalue())


def count_rows(rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Counts samples and masks by split.

    Returns:
        ``{split: {'samples': n, 'masks': n, 'classes': {name: {'images': n, 'masks': n}}}}``; each
        sounding object has one mask.
    """
    rows = list(rows)
    counts = {}
    for split in SPLITS:
        mine = [r for r in rows if r['split'] == split]
        if not mine:
            continue
        masks = Counter(r['cateName'] for r in mine)
        images = Counter(name for name, _ in {(r['cateName'], r['img_Id']) for r in mine})
        counts[split] = {
            'samples': len({r['img_Id'] for r in mine}),
            'masks': len(mine),
            'classes': {n: {'images': images[n], 'masks': masks[n]} for n in sorted(masks)},
        }
    return counts


def statistics_table(subset: str, counts: dict[str, Any], table: ClassTable) -> str:
    """The counts as a Markdown table: images and masks of each class in each split."""
    splits = [s for s in SPLITS if s in counts]
    head = ['class', *(f'{s} {kind}' for s in splits for kind in ('images', 'masks'))]
    lines = []
    used = [n for n in table.names if any(n in counts[s]['classes'] for s in splits)]
    for name in used:
        cells = [counts[s]['classes'].get(name, {'images': 0, 'masks': 0}) for s in splits]
        lines.append([name, *(c[kind] for c in cells for kind in ('images', 'masks'))])
    lines.append(['all', *(counts[s][kind] for s in splits for kind in ('samples', 'masks'))])
    total = sum(counts[s]['samples'] for s in splits)
    none = ', '.join(n for n in table.names[1:] if n not in used)
    return '\n'.join(
        [
            f'# {SUBSET_FOLDERS[subset]}: {total} samples',
            '',
            _markdown([head, *lines]),
            *(['', f'Without samples: {none}'] if none else []),
            '',
        ]
    )


def _markdown(lines: list[list[Any]]) -> str:
    widths = [max(len(str(line[i])) for line in lines) for i in range(len(lines[0]))]
    text = [
        '| '
        + ' | '.join(
            str(c).ljust(w) if i == 0 else str(c).rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True))
        )
        + ' |'
        for line in lines
    ]
    rule = '|' + '|'.join('-' * (w + 1) + (':' if i else '-') for i, w in enumerate(widths)) + '|'
    return '\n'.join([text[0], rule, *text[1:]])


def write_json(path: str, content: Any) -> None:
    """Writes JSON with sorted keys."""
    write_text(path, json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + '\n')
