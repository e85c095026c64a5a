r"""Tests a model with wrong audio, a quantitative version of Figure 1 of the paper, for any model of this repository.

    python tools/analysis_tools/audio_swap.py configs/cavp/cavp_r18_mini.py work_dirs/cavp/epoch_15.pth \
        --instances data/mini/source/instances.json --out work_dirs/audio_swap

Each test image is segmented with its original audio; with the audio of a class that does not sound and, according to
--instances, is not in the picture (off-screen sound), panned to the position of the original source; with the audio of
a silent object in the picture, panned to this object; with silence; and with noise. Conditions and scores include those
of AVSBench-Robust. Images without a sounding object are left out.

The output folder gets table.md, scores.json, rows.jsonl (one line for each image) and strips/, a picture for each image
with its predictions under all conditions. An interrupted run continues when the command is repeated.
"""

import argparse
import json
import sys
from pathlib import Path

import cv2
import numpy as np
import torch
from dataset_samples import add_cfg_options, build_samples, read_config
from mmengine.dataset import pseudo_collate
from mmseg.registry import MODELS
from swapped_audio.conditions import Conditions, Trial, Unit, load_trial, make_units
from swapped_audio.instances import Objects, image_id
from swapped_audio.row_file import RowFile
from swapped_audio.scores import ORIGINAL, describe, frame_scores, make_table, summarize
from tqdm import tqdm

from mmavs.apis.checkpoints import load_weights, read_checkpoint, without_downloads
from mmavs.visualization.strip_picture import draw_strip


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/audio_swap'), help='output folder')
    parser.add_argument(
        '--instances', metavar='FILE', help='COCO instances file with all objects in the pictures, sounding or not'
    )
    parser.add_argument('--number', type=int, help='number of images, or of clips, at equal distances (default: all)')
    parser.add_argument('--pictures', type=int, help='number of images with a picture strip (default: all)')
    parser.add_argument('--split', choices=['val', 'test'], default='test', help='data loader (test)')
    parser.add_argument('--seed', type=int, default=0, help='seed of the selected recordings and the noise')
    parser.add_argument('--device', help='default: a GPU if there is one')
    add_cfg_options(parser)
    return parser.parse_args(argv)


def build_model(cfg, checkpoint: str, device: str | None) -> torch.nn.Module:
    """The model of a config with the weights of a checkpoint."""
    model = MODELS.build(without_downloads(cfg.model.to_dict()))
    load_weights(model, read_checkpoint(checkpoint), checkpoint)
    return model.to(device or ('cuda' if torch.cuda.is_available() else 'cpu')).eval()


def choose_units(units: list[Unit], number: int | None) -> list[Unit]:
    """Some of the units, at equal distances."""
    if number is None or number >= len(units):
        return units
    if number < 1:
        raise ValueError(f'--number must be at least 1, got {number}')
    return [units[i] for i in np.linspace(0, len(units) - 1, number).round().astype(int)]


@torch.no_grad()
def predict(model: torch.nn.Module, packed: list[dict]) -> list[np.ndarray]:
    """The predicted classes (H, W) of each sample."""
    results = model.test_step(pseudo_collate(packed))
    return [result.pred_sem_seg.data.squeeze(0).cpu().numpy().astype(np.uint8) for result in results]


class AudioSwap:
    """A run of the tool.

    Args:
        args: The options.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        cfg = read_config(args)
        samples = build_samples(cfg, args.split)
        self.model = build_model(cfg, args.checkpoint, args.device)
        clips = getattr(getattr(self.model, 'fusion', None), 'needs_frames', False)
        units = make_units(samples, clips=clips)
        self.meta = samples[0][0].metainfo
        self.objects = self._read_objects(units)
        self.conditions = Conditions(units, self.objects, seed=args.seed)
        self.units = choose_units(units, args.number)
        file = Path(args.checkpoint).stat()
        settings = dict(
            config=args.config, checkpoint=[args.checkpoint, file.st_size, file.st_mtime], split=args.split,
            seed=args.seed, instances=args.instances, options={k: repr(v) for k, v in args.cfg_options.items()},
        )  # fmt: skip
        self.file = RowFile(args.out / 'rows.jsonl', settings)

    def _read_objects(self, units: list[Unit]) -> Objects | None:
        if not self.args.instances:
            print('Without --instances, the condition with audio of silent objects is left out.')
            return None
        ids = {image_id(record['img_path']) for unit in units for record in unit.records} - {None}
        return Objects(self.args.instances, ids, self.meta['classes'])

    def run(self) -> dict[str, dict[str, float]]:
        """Tests all units that are not finished, and returns the summary of all."""
        if self.file.replaced:
            print(f'{self.file.path} was made with another checkpoint or other options and is replaced.')
        drawn = 0
        for unit in tqdm(self.units, 'audio swap', unit='unit'):
            wanted = self.args.pictures is None or drawn < self.args.pictures
            drawn += len(unit.samples)
            if unit.number not in self.file.rows:
                self.file.add(unit.number, self._test(unit, with_pictures=wanted))
        return summarize(row for unit in self.units for row in self.file.rows[unit.number])

    def _test(self, unit: Unit, *, with_pictures: bool) -> list[dict]:
        """The rows of a unit: one for each annotated frame with a sounding object and each condition."""
        rows, columns = [], []
        for trial in self.conditions.trials(unit):
            packed = load_trial(unit, trial, seed=self.args.seed)
            predictions = predict(self.model, packed)
            columns.append((trial, packed, predictions))
            for frame, (sample, pred) in enumerate(zip(packed, predictions, strict=True)):
                label = self._label(sample)
                if not ((label != 0) & (label != 255)).any():
                    continue
                scores = frame_scores(pred, label, trial.condition, silent_object=trial.silent_object)
                path = unit.records[frame]['img_path']
                rows.append(dict(frame=f'{unit.number}/{frame}', image=path, condition=trial.condition, **scores))
        if with_pictures and rows:
            self._draw(unit, columns)
        return rows

    @staticmethod
    def _label(sample: dict) -> np.ndarray:
        return sample['data_samples'].gt_sem_seg.data.squeeze(0).numpy()

    def _draw(self, unit: Unit, columns: list[tuple[Trial, list[dict], list[np.ndarray]]]) -> None:
        """A strip for each frame: columns are conditions; rows are the image, the ground truth and the prediction."""
        folder = self.args.out / 'strips'
        folder.mkdir(exist_ok=True)
        for frame in range(len(unit.samples)):
            image = columns[0][1][frame]['inputs']['img'].numpy().transpose(1, 2, 0)
            label = self._label(columns[0][1][frame])
            truths = [self._truth(trial, label) for trial, _, _ in columns]
            strip = draw_strip(
                [np.ascontiguousarray(image[..., ::-1])] * len(columns),
                {'sounding': truths, 'prediction': [predictions[frame] for _, _, predictions in columns]},
                self.meta['classes'],
                self.meta['palette'],
                titles=[trial.condition for trial, _, _ in columns],
            )
            path = folder / f'{unit.number:05d}_{frame}.png'
            if not cv2.imwrite(str(path), strip[..., ::-1]):
                raise OSError(f'cannot write {path}: choose another --out')

    @staticmethod
    def _truth(trial: Trial, label: np.ndarray) -> np.ndarray:
        """The classes that sound under a condition."""
        if trial.condition == ORIGINAL:
            return label
        if trial.silent_object is None:
            return np.zeros_like(label)
        return np.where(trial.silent_object, trial.silent_class, 0).astype(label.dtype)


def write(path: Path, text: str) -> None:
    """Writes a file atomically."""
    temporary = path.with_name(path.name + '.tmp')
    temporary.write_text(text, encoding='utf-8')
    temporary.replace(path)


def main(argv=None) -> None:
    args = parse_args(argv)
    try:
        summary = AudioSwap(args).run()
        if not summary:
            raise ValueError('no image has a sounding object: check the dataset of the config')
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    text = f'{make_table(summary)}\n\n{describe(list(summary))}\n'
    write(args.out / 'table.md', text)
    write(args.out / 'scores.json', json.dumps(summary, indent=1) + '\n')
    print(f'{text}\ntable.md, scores.json, rows.jsonl and strips are in {args.out}')


if __name__ == '__main__':
    main()
