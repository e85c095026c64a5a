"""The steps of a build."""

import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from typing import Any

from mmavs.datasets.label_table import IGNORE_INDEX
from mmavs.datasets.metainfo.vpo_classes import load_class_table
from mmavs.utils.files import describe_input, write_text

from ..parallel import WorkerPool
from ..recording_files import find_recordings, write_recording
from . import report
from .claims import check_claims, claim_folder, digest
from .exclusion_report import Excluded, check_drawn, skipped_images
from .image_set import ImagePart, ImageSet, inspect_images, load_images, make_scenes
from .masks import drawing_order
from .options import BuildOptions, expected_splits
from .output import AUDIO_FOLDER, SUBSET_FOLDERS, SampleJob, sample_files, write_sample
from .recording_set import SECONDS, RecordingSet, load_recordings
from .sampling import Sample, SamplingRules, draw_multi_instance, draw_multi_source, draw_single

log = logging.getLogger(__name__)
CACHE_FOLDER = '.build_cache'
_DRAW = {'ss': draw_single, 'ms': draw_multi_source, 'msmi': draw_multi_instance}


class Builder:
    """One build: its inputs and steps."""

    def __init__(self, parts: Sequence[ImagePart], options: BuildOptions, pool: WorkerPool) -> None:
        self.table = load_class_table(options.classes)
        self.parts, self.options, self.out, self.pool = parts, options, options.out, pool
        self.division = {'seed': options.seed, 'val_fraction': options.val_fraction}
        self.rules = SamplingRules(**{f.name: getattr(options, f.name) for f in fields(SamplingRules)})

    def run(self) -> dict[str, dict[str, Any]]:
        """Reads the inputs, and plans and writes the subsets; returns their manifests."""
        subsets, overwrite = self.options.subsets, self.options.overwrite
        head = self._describe()
        inputs = digest(head)
        check_claims(self.out, subsets, inputs, overwrite=overwrite)
        with self._remove_new_files_on_error():
            images = load_images(self.parts, self.table)
            recordings = self._load_recordings()
            inspected = inspect_images(
                images,
                min_area=self.options.min_area,
                cache_file=self._cache('images'),
                fingerprint=digest([head['inputs'], head['classes']]),
                pool=self.pool,
            )
            scenes = make_scenes(
                images, inspected, recordings.pool, test_fraction=self.options.test_fraction, **self.division
            )
            drawn = {name: _DRAW[name](scenes, recordings.pool, self.rules) for name in subsets}
            excluded = Excluded.of(images, recordings, inspected)
            check_drawn(drawn, scenes, excluded, recordings.missing)
        self._write_unusable(recordings)
        excluded.log()
        head['notes'] = {**self._notes(images, recordings, inspected), **excluded.as_dict()}
        manifests = {}
        for name in subsets:
            rows = report.sample_rows(drawn[name], self.table, multi_instance=name == 'msmi')
            if name == 'msmi':
                rows = report.sample_rows(drawn['ms'], self.table, multi_instance=False) + rows
            claim_folder(self.out, name, inputs=inputs, plan=digest(rows), overwrite=overwrite)
            self._write_files(name, drawn[name], images, inspected)
            manifests[name] = self._finish(name, rows, head)
        return manifests

    def _describe(self) -> dict[str, Any]:
        """All settings that determine the result: inputs, options and classes."""
        log.info('Reading the inputs')
        parts = [
            {
                'instances': describe_input(p.instances),
                'captions': p.captions and describe_input(p.captions),
                'split': p.fixed_split or 'auto',
            }
            for p in self.parts
        ]
        classes = {
            'classes': [asdict(c) for c in self.table.classes],
            'unclear_captions': list(self.table.unclear_captions),
        }
        return {
            'inputs': {'parts': parts, 'sounds_csv': describe_input(self.options.sounds_csv)},
            'options': self.options.sampling_options,
            'classes': classes,
        }

    @contextmanager
    def _remove_new_files_on_error(self) -> Iterator[None]:
        """Removes new files with results of checks if the inputs cannot be used."""
        cache = os.path.join(self.out, CACHE_FOLDER)
        had_cache, had_out = os.path.exists(cache), os.path.exists(self.out)
        try:
            yield
        except ValueError:
            if not had_cache:
                shutil.rmtree(cache, ignore_errors=True)
            if not had_out and os.path.isdir(self.out) and not os.listdir(self.out):
                os.rmdir(self.out)
            raise

    def _load_recordings(self) -> RecordingSet:
        return load_recordings(
            self.options.sounds_csv,
            self.options.sounds,
            self.table,
            skip_silent=self.options.skip_silent,
            cache_file=self._cache('recordings'),
            pool=self.pool,
            **self.division,
        )

    def _write_unusable(self, recordings: RecordingSet) -> None:
        lines = ''.join(f'{name}.wav\t{reason}\n' for name, reason in recordings.unusable)
        write_text(os.path.join(self.out, 'VGGSound', 'unreadable.txt'), lines)
        if recordings.missing or recordings.unusable:
            log.warning(
                '%d recordings are missing and %d cannot be used, see VGGSound/unreadable.txt',
                recordings.missing,
                len(recordings.unusable),
            )
        if recordings.silent:
            log.warning(
                '%d recordings are silent in their middle %g s, which samples take (for example %s.wav). They are '
                'used; --skip-silent leaves them out',
                len(recordings.silent),
                SECONDS,
                recordings.silent[0],
            )

    def _notes(
        self, images: ImageSet, recordings: RecordingSet, inspected: dict[int, dict[str, Any]]
    ) -> dict[str, Any]:
        """The excluded inputs, and the number of recordings."""
        names = [c.name for c in self.table.classes]
        counts = {}
        for split in expected_splits(self.parts, self.options):
            found = recordings.pool.get(split, {})
            counts[split] = {name: len(found.get(c, ())) for c, name in enumerate(names)}
            if none := [name for name, count in counts[split].items() if not count]:
                log.warning('No recordings of %s in %s: these classes have no samples there', ', '.join(none), split)
        return {
            'skipped_images': skipped_images(images, inspected),
            'recordings': counts,
            'recordings_missing': recordings.missing,
            'recordings_unreadable': recordings.unusable,
            'recordings_silent': recordings.silent,
            'labels_without_recording': recordings.absent_labels,
            'classes_without_category': images.missing,
        }

    def _write_files(
        self, subset: str, samples: Sequence[Sample], images: ImageSet, inspected: dict[int, dict[str, Any]]
    ) -> None:
        names = sorted({source.recording for sample in samples for source in sample.sources})
        paths = find_recordings(self.options.sounds, names)
        recordings = [
            (paths[name], os.path.join(self.out, AUDIO_FOLDER, f'{name}.wav'), self.options.copy_mode) for name in names
        ]
        folder = SUBSET_FOLDERS[subset]
        for function, jobs, total, what in (
            (write_recording, recordings, len(names), 'recordings'),
            (write_sample, self._sample_jobs(subset, samples, images, inspected), len(samples), 'samples'),
        ):
            for _ in self.pool.map(function, jobs, total=total, desc=f'Writing {folder} {what}'):
                pass

    def _sample_jobs(
        self, subset: str, samples: Sequence[Sample], images: ImageSet, inspected: dict[int, dict[str, Any]]
    ) -> Iterator[SampleJob]:
        for sample in samples:
            image = images.images[sample.image_id]
            sizes = {ann_id: size for ann_id, size, _ in inspected[image.id]['objects']}
            shapes = {ann_id: segmentation for ann_id, _, segmentation in images.objects(image)}
            sounding = {s.ann_id: s.cls for s in sample.sources}
            layers = [(IGNORE_INDEX, shape) for cls, shape in images.crowds(image) if cls in sounding.values()]
            layers += [
                (self.table.classes[sounding[i]].mask_id, shapes[i])
                for i in drawing_order({i: sizes[i] for i in sounding})
            ]
            first = sample.sources[0]
            files = sample_files(
                self.out, subset, image_id=image.id, ann_id=first.ann_id, class_name=self.table.classes[first.cls].name
            )
            yield SampleJob(image.path, *files, layers, image.height, image.width, self.options.copy_mode)

    def _finish(self, subset: str, rows: list[dict[str, Any]], head: dict[str, Any]) -> dict[str, Any]:
        """Writes the CSV file, the statistics and finally the manifest."""
        counts = report.count_rows(rows)
        statistics = report.statistics_table(subset, counts, self.table)
        report.write_csv(self.out, subset, rows)
        folder = os.path.join(self.out, SUBSET_FOLDERS[subset])
        write_text(os.path.join(folder, 'statistics.md'), statistics)
        manifest = {'subset': subset, **head, 'counts': counts}
        report.write_json(os.path.join(folder, 'manifest.json'), manifest)
        log.info('%s', statistics)
        for split in expected_splits(self.parts, self.options):
            if split not in counts:
                log.warning(
                    '%s has no %s sample: lower --min-area or (ms) --min-candidates, choose another fraction '
                    'or --seed, or add images',
                    SUBSET_FOLDERS[subset],
                    split,
                )
        return manifest

    def _cache(self, name: str) -> str:
        return os.path.join(self.out, CACHE_FOLDER, f'{name}.jsonl')
