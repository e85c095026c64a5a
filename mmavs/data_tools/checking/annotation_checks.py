"""Checks of the annotation of a dataset beyond those of loading: duplicates, and files shared by several splits."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from mmavs.datasets.annotation_table import AnnotationError
from mmavs.datasets.avseg_dataset import AVSegDataset
from mmavs.datasets.clip_dataset import ClipDataset
from mmavs.datasets.vpo import VPODataset, is_multi_instance


def check_annotation(dataset: AVSegDataset) -> Iterator[AnnotationError]:
    """Yields findings about the annotation of a VPO or AVSBench dataset; none for other datasets.

    Args:
        dataset: The dataset; ``lazy_init`` is sufficient. Unreadable rows are skipped, since loading reports them.
    """
    if isinstance(dataset, VPODataset):
        rows = list(dataset.read_all_rows())
        yield from _duplicates(dataset, rows)
        columns = {column: [(row['split'], row[column]) for _, row in rows] for column in ('img_Id', 'vgg_file')}
    elif isinstance(dataset, ClipDataset):
        _, name = dataset.table_columns()
        columns = {name: [(row['split'], dataset.clip_key(row)) for _, row in dataset.read_all_rows()]}
    else:
        return
    for column, values in columns.items():
        yield from _shared_by_splits(dataset, column, values)


def _duplicates(dataset: VPODataset, rows: Iterable[tuple[int, Mapping]]) -> Iterator[AnnotationError]:
    """Rows of the dataset's splits that repeat another row or its object."""
    contents: dict[tuple, int] = {}
    objects: dict[tuple, int] = {}
    for line, row in rows:
        multi = is_multi_instance(row)
        if row['split'] not in dataset.splits or dataset.multi_instance not in (None, multi):
            continue
        where = f'{dataset.ann_file}, line {line}'
        if (first := contents.setdefault(tuple(row.values()), line)) != line:
            message = f'{where}: repeats line {first}, and both are used; remove one'
            yield AnnotationError(message, kind='duplicate row', fatal=False)
        elif dataset.subset != 'ss':
            key = row['img_Id'], row['ann_Ids'], multi
            if (first := objects.setdefault(key, line)) != line:
                message = (
                    f'{where}: object {row["ann_Ids"]} of image {row["img_Id"]} is also in line {first}, so that its '
                    'audio is added twice; remove one'
                )
                yield AnnotationError(message, kind='repeated object', fatal=False)


def _shared_by_splits(
    dataset: VPODataset | ClipDataset, column: str, values: Iterable[tuple[str, str]]
) -> Iterator[AnnotationError]:
    """Images, recordings or clips, as (split, value), that the dataset's splits have in common with others."""
    used: dict[str, set] = defaultdict(set)
    for split, value in values:
        used[split].add(value)
    own = set().union(*(used.get(split, ()) for split in dataset.splits))
    for split in sorted(used.keys() - set(dataset.splits)):
        if common := sorted(own & used[split]):
            message = (
                f'{dataset.ann_file}: {len(common)} values of {column} in split {" or ".join(dataset.splits)}, the '
                f'first {common[0]}, are also in split {split}: results on either are not meaningful. Assign each to '
                'one split'
            )
            yield AnnotationError(message, kind='shared by splits', fatal=False)
