"""Report of the inputs that a build does not use, and the error of a build without samples."""

import logging
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from .exclusions import Exclusions
from .image_set import ImageSet
from .inspection import SMALL
from .recording_set import RecordingSet

log = logging.getLogger(__name__)
_MOST_REASONS = 5  # maximum number of reasons of each kind in the error
_REMEDIES = {
    'missing': 'check --images against `file_name` in the --instances file',
    'URL instead of a file name': 'set `file_name` in the --instances file to names of files in --images',
    'size differs from the annotation': 'use the images that were annotated, or correct `width` and `height` in the '
    '--instances file',
    'rotated by its EXIF orientation': 'rotate the pixels and remove the EXIF orientation',
    'the image is not in the file': "add the images to the list 'images' of the --instances file",
    'class not decided by the captions': 'set --captions, from which the class is derived',
    SMALL: 'lower --min-area',
}


class NoSampleError(ValueError):
    """The inputs give no sample; the message has the most frequent reasons."""


class Excluded(NamedTuple):
    """The inputs that are not used, by kind."""

    images: Exclusions
    annotations: Exclusions
    recordings: Exclusions

    @classmethod
    def of(cls, images: ImageSet, recordings: RecordingSet, inspected: Mapping[int, dict[str, Any]]) -> 'Excluded':
        """Collects the excluded inputs of all steps.

        Args:
            images: The annotated images.
            recordings: The recordings.
            inspected: Results of :func:`inspect_images`.
        """
        skipped, annotations = Exclusions(), Exclusions()
        annotations.update(images.dropped)
        annotations.update(images.undecided())
        for image_id, result in inspected.items():
            if 'problem' in result:
                problem, _, detail = result['problem'].partition(': ')
                path = images.images[image_id].path
                skipped.add(problem, f'{path}: {detail}' if detail else path)
            for reason, ids in result.get('dropped', {}).items():
                annotations.add(reason, f'annotation {ids[0]} of image {image_id}', len(ids))
        return cls(skipped, annotations, recordings.excluded())

    def as_dict(self) -> dict[str, Any]:
        """Counts and examples by reason, for the manifest."""
        return {f'{name}_by_reason': found.as_dict() for name, found in self._asdict().items()}

    def log(self) -> None:
        """Prints the counts."""
        for name, found in self._asdict().items():
            if found:
                log.warning('%s that are not used, by reason:\n%s', name.capitalize(), found.as_text())


def check_drawn(drawn: Mapping[str, list], scenes: list, excluded: Excluded, missing_recordings: int) -> None:
    """Raises an error if there is no sample.

    Args:
        drawn: Samples of each subset.
        scenes: Images with candidates.
        excluded: Inputs that are not used, with the reasons.
        missing_recordings: Number of listed recordings without a file.

    Raises:
        NoSampleError: No subset has a sample.
    """
    if any(drawn.values()):
        return
    names = ', '.join(f'VPO-{name.upper()}' for name in drawn)
    lines = [f'the inputs give no sample of {names}']
    remedies = []
    for what, found in excluded._asdict().items():
        for reason, count, example in list(found)[:_MOST_REASONS]:
            lines.append(f'  {count} {what}: {reason} (for example {example})')
            if reason in _REMEDIES:
                remedies.append(_REMEDIES[reason])
    if missing_recordings:
        lines.append(f'  {missing_recordings} recordings: missing')
    if scenes:
        lines.append(f'  {len(scenes)} images have objects with recordings, but none meets the rules of {names}')
        remedies.append("choose another subset ('all' for every subset), or lower --min-candidates")
    elif not excluded.images and not excluded.annotations:
        lines.append('  no object belongs to a class that has recordings in the split of its image')
        remedies.append('add images or recordings of the same classes and splits')
    if remedies:
        lines.append('remedies: ' + '; '.join(remedies))
    raise NoSampleError('\n'.join(lines))


def skipped_images(images: ImageSet, inspected: Mapping[int, dict[str, Any]]) -> list[list[Any]]:
    """[id, file name, problem] of the images that cannot be used."""
    return [
        [i, os.path.basename(images.images[i].path), result['problem']]
        for i, result in sorted(inspected.items())
        if 'problem' in result
    ]
