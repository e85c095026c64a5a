"""Samples with replaced audio."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import torch
from dataset_samples import Sample, load_results
from mmengine.dataset import Compose

from .instances import Objects, image_id
from .scores import NOISE, OFF_SCREEN, ORIGINAL, SILENCE, SILENT_OBJECT

Sources = list[dict]
NOISE_LEVEL = 0.1
"""Root mean square of the noise if the sample's audio is silent."""


@dataclass(frozen=True)
class Unit:
    """The input of one prediction: a frame, or all frames of a clip for a temporal model.

    Attributes:
        number: Index of the unit in the dataset.
        samples: The frames.
        records: The records of the frames in the dataset, with ``sources``.
        sounding: Classes, or the category of the clip, that sound in one of the frames.
    """

    number: int
    samples: tuple[Sample, ...]
    records: tuple[dict, ...]
    sounding: frozenset[Hashable]


@dataclass(frozen=True)
class Trial:
    """A unit under a condition.

    Attributes:
        condition: One of ``CONDITIONS``.
        sources: The sources of each frame; empty for silence.
        silent_object: Mask of the object whose audio is given, bool (H, W); None under other conditions.
        silent_class: Class of this object.
        noise: Replaces the audio by noise.
    """

    condition: str
    sources: list[Sources]
    silent_object: np.ndarray | None = None
    silent_class: int | None = None
    noise: bool = False


def make_units(samples: Sequence[Sample], *, clips: bool) -> list[Unit]:
    """The samples of a dataset as units.

    Args:
        samples: Dataset and index of each.
        clips: Makes one unit of the consecutive frames of a clip.
    """
    records = [dataset.get_data_info(index) for dataset, index in samples]
    keys = [record.get('clip', i) if clips else i for i, record in enumerate(records)]
    units = []
    for number, (_, group) in enumerate(groupby(range(len(samples)), key=lambda i: keys[i])):
        group = list(group)
        sounding = frozenset().union(*(sounding_classes(samples[i], records[i]) for i in group))
        units.append(Unit(number, tuple(samples[i] for i in group), tuple(records[i] for i in group), sounding))
    return units


def sounding_classes(sample: Sample, record: dict) -> frozenset[Hashable]:
    """The category of a clip if it has one; else the sounding classes, from the mask if the record has none."""
    if record.get('category'):
        return frozenset([record['category']])
    label = record.get('audio_label')
    return frozenset(load_results(sample)['audio_label'] if label is None else label)


class Conditions:
    """The trials of each unit.

    Args:
        units: All units of the dataset, whose recordings are also those of the other units.
        objects: Objects in the pictures, or None.
        seed: Seed of the selected recordings; each unit has its own random numbers.
    """

    def __init__(self, units: Sequence[Unit], objects: Objects | None, *, seed: int = 0) -> None:
        self.objects = objects
        self.seed = seed
        self.recordings: dict[Hashable, list[tuple[int, list[dict]]]] = {}
        for unit in units:
            for key, sources in _single_recordings(unit):
                self.recordings.setdefault(key, []).append((unit.number, sources))

    def trials(self, unit: Unit) -> Iterator[Trial]:
        """Yields the trials of a unit."""
        rng = np.random.default_rng([self.seed, unit.number])
        own = [record['sources'] for record in unit.records]
        yield Trial(ORIGINAL, own)
        image = image_id(unit.records[0]['img_path'])
        visible = self.objects.classes(image) if self.objects else set()
        others = sorted(set(self.recordings) - unit.sounding - visible, key=str)
        if others:
            key = others[rng.integers(len(others))]
            positions = [sources[0].get('position', 0.5) if sources else 0.5 for sources in own]
            yield Trial(OFF_SCREEN, self._draw(key, positions, rng))
        if (silent := self._silent_object(unit, image, visible)) is not None:
            label, mask = silent
            center = float(np.nonzero(mask)[1].mean() / (mask.shape[1] - 1))
            yield Trial(SILENT_OBJECT, self._draw(label, [center] * len(own), rng), mask, label)
        yield Trial(SILENCE, [[] for _ in own])
        yield Trial(NOISE, own, noise=True)

    def _silent_object(self, unit: Unit, image: int | None, visible: set[int]) -> tuple[int, np.ndarray] | None:
        """Class and mask of an object that does not sound, if there is one and a recording of its class."""
        if not visible - unit.sounding:
            return None
        size = load_results(unit.samples[0])['gt_seg_map'].shape
        silent = self.objects.silent(image, unit.sounding, size)
        return silent if silent and silent[0] in self.recordings else None

    def _draw(self, key: Hashable, positions: Sequence[float], rng: np.random.Generator) -> list[Sources]:
        """A random recording of a class, at a position in each frame."""
        candidates = self.recordings[key]
        _, sources = candidates[rng.integers(len(candidates))]
        return [[{**sources[i % len(sources)], 'position': position}] for i, position in enumerate(positions)]


def _single_recordings(unit: Unit) -> Iterator[tuple[Hashable, list[dict]]]:
    """(class or category, the source of each frame) of recordings with a single class."""
    sources = [record['sources'] for record in unit.records]
    if len(sources) == 1 and all(source.get('label') is not None for source in sources[0]):
        yield from ((source['label'], [source]) for source in sources[0])
    elif len(unit.sounding) == 1 and all(len(found) == 1 for found in sources):
        yield next(iter(unit.sounding)), [found[0] for found in sources]


def load_trial(unit: Unit, trial: Trial, *, seed: int) -> list[dict[str, Any]]:
    """The packed samples of a unit, with the audio of a trial.

    Raises:
        ValueError: The pipeline loads no audio.
    """
    packed = []
    for (dataset, _), record, sources in zip(unit.samples, unit.records, trial.sources, strict=True):
        pipeline: Compose = dataset.pipeline
        sample = pipeline(dict(record, sources=sources, seg_fields=[]))
        if not isinstance(sample['inputs'], dict):
            raise ValueError('the test pipeline of the config loads no audio (LoadAudio, PackAVSegInputs)')
        if trial.noise:
            generator = torch.Generator().manual_seed(seed * 1_000_003 + unit.number)
            sample['inputs']['audio'] = make_noise(sample['inputs']['audio'], generator)
        packed.append(sample)
    return packed


def make_noise(audio: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """White noise with the power of the audio (channels, samples), equal on all channels, as if from the center."""
    level = audio.square().mean().sqrt()
    level = level if level > 1e-4 else torch.tensor(NOISE_LEVEL)
    return level * torch.randn(1, audio.shape[1], generator=generator).expand_as(audio).contiguous()
