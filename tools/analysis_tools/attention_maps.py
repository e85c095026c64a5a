"""Draws the attention maps of a model's fusion, for each head and their mean.

    python tools/analysis_tools/attention_maps.py CONFIG CHECKPOINT --output-dir work_dirs/attention

Works with any model that has a fusion. Where that has no attention, the maps show how much the audio changes features.
A model that looks over time gets the complete clip of a sample.
"""

import argparse
import os.path as osp
import sys

import mmcv
import numpy as np
import torch
from mmengine.config import Config, DictAction
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS
from tqdm import tqdm

import mmavs  # noqa: F401  before mmseg.apis
from mmavs.datasets.mask_reading import read_pixels
from mmavs.engine.runner.checkpoint_files import checked_local_files
from mmavs.models.attention_maps import attention_maps
from mmavs.utils.config_overrides import override
from mmavs.utils.files import make_output_folder
from mmavs.visualization import AVSegLocalVisualizer
from mmavs.visualization.attention_picture import draw_attention
from mmavs.visualization.audio_panels import stack


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--output-dir', required=True, help='folder for the pictures')
    parser.add_argument('--split', choices=['val', 'test'], default='test', help='data loader (test)')
    parser.add_argument('--number', type=int, default=10, help='number of samples, at equal distances (10)')
    parser.add_argument('--indices', type=int, nargs='+', help='indices of samples, in place of --number')
    parser.add_argument('--device', default='cuda:0' if torch.cuda.is_available() else 'cpu')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, default={}, metavar='KEY=VALUE', help='change settings'
    )
    return parser.parse_args(argv)


def choose(total: int, args: argparse.Namespace) -> list[int]:
    """Indices of the samples."""
    if args.indices:
        if max(args.indices) >= total or min(args.indices) < 0:
            raise ValueError(f'--indices must lie in [0, {total - 1}], the data set has {total} samples')
        return args.indices
    if args.number < 1:
        raise ValueError(f'--number must be at least 1, got {args.number}')
    return np.unique(np.linspace(0, total - 1, min(args.number, total)).round().astype(int)).tolist()


def find_clip(dataset, index: int) -> range:
    """Indices of the frames of the clip of a sample, which are consecutive; of the sample alone if it has no clip."""
    clip = dataset.get_data_info(index).get('clip')
    if clip is None:
        return range(index, index + 1)
    first = last = index
    while first > 0 and dataset.get_data_info(first - 1).get('clip') == clip:
        first -= 1
    while last + 1 < len(dataset) and dataset.get_data_info(last + 1).get('clip') == clip:
        last += 1
    return range(first, last + 1)


@torch.no_grad()
def draw(model, dataset, index: int, visualizer: AVSegLocalVisualizer) -> np.ndarray:
    """The picture of a sample: ground truth and prediction, and the maps of each fused level below."""
    frames = find_clip(dataset, index) if getattr(model.fusion, 'needs_frames', False) else range(index, index + 1)
    data = model.data_preprocessor(pseudo_collate([dataset[i] for i in frames]), False)
    place = frames.index(index)
    sample = model(**data, mode='predict')[place]
    record = dataset.get_data_info(index)
    image = read_pixels(record['img_path'], record, flag='color_ignore_orientation', backend='cv2')
    image = np.ascontiguousarray(image[..., ::-1])
    pictures = [visualizer.draw(image, sample.cpu())]
    for maps in attention_maps(model, **data):
        name = f'attention, level {maps.level}' if maps.is_attention else f'change by the audio, level {maps.level}'
        pictures.append(draw_attention(image, maps.heads[place].float().cpu().numpy(), name=name))
    return stack(pictures, gap=16)


def main(argv=None) -> None:
    from mmseg.apis import init_model

    args = parse_args(argv)
    try:
        cfg = Config.fromfile(args.config)
        override(cfg, args.cfg_options)
        init_default_scope(cfg.get('default_scope', 'mmseg'))
        dataset = DATASETS.build(cfg[f'{args.split}_dataloader'].dataset)
        indices = choose(len(dataset), args)
        with checked_local_files():
            model = init_model(cfg, args.checkpoint, device=args.device)
        make_output_folder(args.output_dir, '--output-dir')
        visualizer = AVSegLocalVisualizer()
        visualizer.dataset_meta = dataset.metainfo
        for index in tqdm(indices, 'pictures', unit='picture'):
            name = osp.splitext(osp.basename(dataset.get_data_info(index)['img_path']))[0]
            picture = draw(model, dataset, index, visualizer)
            mmcv.imwrite(mmcv.rgb2bgr(picture), osp.join(args.output_dir, f'{index:06d}_{name}.png'))
    except KeyboardInterrupt:
        sys.exit('interrupted; pictures that were written are kept')
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    print(f'The pictures are in {args.output_dir}')


if __name__ == '__main__':
    main()
