"""Files that the inferencer writes: masks, overlays, a table of sounding classes, probabilities and masks as RLE."""

import csv
import io
import json
import os.path as osp
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import chain, count
from typing import IO, Any, NamedTuple

import cv2
import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask

from mmavs.utils.files import atomic_file, make_output_folder, write_bytes

from .prediction import SoundingClass

TABLE, RLE = 'sounding.csv', 'masks.json'
_HEAD = ('input', 'frame', 'time', 'class', 'pixels', 'share', 'probability')
NOTHING = 'nothing'
_OPTION = 'out_dir'


class Result(NamedTuple):
    """The prediction of a picture or frame.

    Attributes:
        name: Name of the picture or video.
        frame: Number of the frame, None for a picture.
        time: Seconds from the start of the video, None for a picture.
        mask: uint8 (H, W), class indices.
        sounding: The classes in the mask, the largest first; empty if there is no sounding object.
        probabilities: float16 (classes, H, W), or None if they are not needed.
        visualization: RGB, uint8, or None if it is not needed.
        data_sample: As in MMSegInferencer, on the CPU, or None if it is not needed.
    """

    name: str
    frame: int | None
    time: float | None
    mask: np.ndarray
    sounding: list[SoundingClass]
    probabilities: np.ndarray | None = None
    visualization: np.ndarray | None = None
    data_sample: Any = None


class OutputWriter:
    """Writes results into a folder. Files are written atomically.

    ``sounding.csv`` has a line for each class of each picture or frame; a picture without a sounding object has the
    class ``nothing``. This file and ``masks.json`` get their names when the context ends without an error or is
    interrupted.

    Args:
        folder: The folder, ``''`` to write nothing.
        classes: Names of the classes.
        vis_dir: Folder in it for overlays, ``''`` for none.
        pred_dir: Folder in it for masks, PNGs of class indices, ``''`` for none.
        save_probs: Writes probabilities, as float16 arrays in ``probs/<name>.npz``.
        save_rle: Writes all masks as COCO's RLE into ``masks.json``.

    Raises:
        OSError: A file cannot be written; the message names it and the remedy.
    """

    def __init__(
        self,
        folder: str,
        classes: Sequence[str],
        *,
        vis_dir: str = 'vis',
        pred_dir: str = 'pred',
        save_probs: bool = False,
        save_rle: bool = False,
    ) -> None:
        self.folder, self.classes = folder, tuple(classes)
        self.vis_dir, self.pred_dir = (name and osp.join(folder, name) for name in (vis_dir, pred_dir))
        self.probs_dir = osp.join(folder, 'probs') if save_probs else ''
        self.save_rle = save_rle
        self._names: dict[str, int] = {}
        self._stems: dict[str, str] = {}
        self._stack, self._table, self._rle = ExitStack(), None, None
        self._rle_count = 0

    def __enter__(self) -> 'OutputWriter':
        if self.folder:
            make_output_folder(self.folder, _OPTION)
            with ExitStack() as stack:
                self._table = _open(stack, osp.join(self.folder, TABLE))
                csv.writer(self._table, lineterminator='\n').writerow(_HEAD)
                if self.save_rle:
                    self._rle = _open(stack, osp.join(self.folder, RLE))
                    self._rle.write(f'{{"classes": {json.dumps(self.classes)},\n "masks": [')
                    stack.push(self._end_rle)
                self._stack = stack.pop_all()
        return self

    def __exit__(self, kind, error, trace) -> None:
        if kind is not None and issubclass(kind, (KeyboardInterrupt, GeneratorExit)):
            kind = error = trace = None
        self._stack.__exit__(kind, error, trace)

    def _end_rle(self, kind, *_) -> None:
        if kind is None:
            self._rle.write(']}\n')

    def write(self, result: Result) -> None:
        """Writes the files of a result."""
        if not self.folder:
            return
        self._write_rows(result)
        name = self._unique_name(result)
        if self.pred_dir:
            content = io.BytesIO()
            Image.fromarray(result.mask).save(content, 'PNG')
            write_bytes(osp.join(self.pred_dir, f'{name}_pred.png'), content.getvalue(), _OPTION)
        if self.vis_dir and result.visualization is not None and result.frame is None:
            _, content = cv2.imencode('.png', np.ascontiguousarray(result.visualization[..., ::-1]))
            write_bytes(osp.join(self.vis_dir, f'{name}.png'), content.tobytes(), _OPTION)
        if self.probs_dir:
            content = io.BytesIO()
            np.savez_compressed(content, probabilities=result.probabilities, classes=np.array(self.classes))
            write_bytes(osp.join(self.probs_dir, f'{name}.npz'), content.getvalue(), _OPTION)
        if self._rle is not None:
            self._write_rle(result)

    def stem_of(self, video: str) -> str:
        """Name, without suffix, of the files of a video. The second of two videos with equal names keeps its suffix."""
        if video not in self._stems:
            name = osp.basename(video)
            used = set(self._stems.values())
            options = chain((osp.splitext(name)[0], name), (f'{name}_{number}' for number in count(1)))
            self._stems[video] = next(option for option in options if option not in used)
        return self._stems[video]

    def _write_rows(self, result: Result) -> None:
        place = (result.name, *('' if v is None else v for v in (result.frame, _rounded(result.time))))
        rows = [(c.name, c.pixels, f'{c.share:.6f}', f'{c.probability:.4f}') for c in result.sounding]
        writer = csv.writer(self._table, lineterminator='\n')
        writer.writerows((*place, *row) for row in rows or [(NOTHING, 0, '0.000000', '')])

    def _write_rle(self, result: Result) -> None:
        for found in result.sounding:
            rle = coco_mask.encode(np.asfortranarray(result.mask == found.label).astype(np.uint8, order='F'))
            entry = dict(
                input=result.name,
                frame=result.frame,
                time=_rounded(result.time),
                category_id=found.label,
                category=found.name,
                segmentation=dict(size=rle['size'], counts=rle['counts'].decode('ascii')),
                area=found.pixels,
                score=round(found.probability, 4),
            )
            self._rle.write(',\n' if self._rle_count else '\n')
            self._rle.write(json.dumps(entry))
            self._rle_count += 1

    def _unique_name(self, result: Result) -> str:
        """Name of the files of a result; pictures of equal names, from several folders, get a number."""
        if result.frame is not None:
            return osp.join(self.stem_of(result.name), f'{result.frame:06d}')
        stem = osp.splitext(osp.basename(result.name))[0] if result.name else ''
        number = self._names.get(stem, -1) + 1
        self._names[stem] = number
        if not stem:
            return f'{number:08d}'
        return f'{stem}_{number}' if number else stem


def _open(stack: ExitStack, path: str) -> IO[str]:
    """A text file that gets its name when ``stack`` is left without an error."""
    part = stack.enter_context(atomic_file(path, _OPTION))
    return stack.enter_context(open(part, 'w', encoding='utf-8', newline=''))


def _rounded(time: float | None) -> float | None:
    return None if time is None else round(time, 4)


def collect(results: list[Result], as_samples: bool, with_vis: bool) -> Any:
    """The results of pictures, in the form of ``MMSegInferencer``."""
    if as_samples:
        samples = [result.data_sample for result in results]
        return samples[0] if len(samples) == 1 else samples
    found = dict(
        predictions=[result.mask for result in results],
        visualization=[result.visualization for result in results] if with_vis else [],
        sounding=[result.sounding for result in results],
    )
    return {key: value[0] if len(results) == 1 and value else value for key, value in found.items()}
