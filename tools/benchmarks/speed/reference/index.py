"""The index of a dataset with one scan of the table for each image."""

import csv
from pathlib import Path

import numpy as np

from mmavs.datasets.metainfo.vpo_classes import load_class_table


def scan_index(root: Path, split: str) -> list[dict]:
    """The records of ``VPODataset(subset='msmi')``."""
    with open(root / 'VPO-MSMI' / 'vpo_msmi_data_stereo.csv', newline='', encoding='utf-8') as f:
        rows = [row for row in csv.DictReader(f) if row['split'] == split]
    names = load_class_table().names
    column = np.array([row['img_Id'] for row in rows])
    records = []
    for image in dict.fromkeys(row['img_Id'] for row in rows):
        found = [rows[i] for i in np.flatnonzero(column == image)]
        multi = found[0]['multi_instance'] == '1'
        folder = f'{root}/{"VPO-MSMI" if multi else "VPO-MS"}'
        sources = [
            dict(
                audio_path=f'{root}/VGGSound/audios/{row["vgg_file"]}.wav',
                position=float(row['audio_pos']),
                label=names.index(row['cateName']),
            )
            for row in found
        ]
        records.append(
            dict(
                img_path=f'{folder}/data/{int(image):012d}.jpg',
                seg_map_path=f'{folder}/mask/{int(image):012d}.png',
                sources=sources,
                multi_instance=multi,
                audio_label=tuple(sorted({s['label'] for s in sources})),
            )
        )
    return records
