"""Draws the attention maps of a model's fusion, for each head and their mean.

    python tools/analysis_tools/attention_maps.py CONFIG CHECKPOINT --output-dir work_dirs/attention

Works with any model that has a fusion. For a fusion without attention, the maps show the change of the features by the
audio. A temporal model gets the complete clip of a sample.
"""

import argparse
import os.path as osp
import sys

import mmcv
import numpy as np
import torch
from dataset_samples import Sample, add_cfg_options, add_choice, build_samples, choose, read_config
from mmengine.dataset import pseudo_collate
from tqdm import tqdm

from mmavs.datasets.mask_reading import read_pixels
from mmavs.engine.runner.checkpoint_files import checked_local_files
from mmavs.models.attention_maps import attention_maps
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
    add_choice(parser, 10)
    parser.add_argument('--device', default='cuda:0' if torch.cuda.is_available() else 'cpu')
    add_cfg_options(parser)
    return parser.parse_args(argv)


def find_clip(dataset, index: int) -> range:
    """Indices of the frames of the clip of a sample, which are consecutive; only its own index if it has no clip."""
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
def draw(model, sample: Sample, visualizer: AVSegLocalVisualizer) -> np.ndarray:
    """The picture of a sample: ground truth and prediction, and the maps of each fused level below."""
    dataset, index = sample
    frames = find_clip(dataset, index) if getattr(model.fusion, 'needs_frames', False) else range(index, index + 1)
    data = model.data_preprocessor(pseudo_collate([dataset[i] for i in frames]), False)
    place = frames.index(index)
    predicted = model(**data, mode='predict')[place]
    record = dataset.get_data_info(index)
    image = read_pixels(record['img_path'], record, flag='color_ignore_orientation', backend='cv2')
    image = np.ascontiguousarray(image[..., ::-1])
    pictures = [visualizer.draw(image, predicted.cpu())]
    for maps in attention_maps(model, **data):
        name = f'attention, level {maps.level}' if maps.is_attention else f'change by the audio, level {maps.level}'
        pictures.append(draw_attention(image, maps.heads[place].float().cpu().numpy(), name=name))
    return stack(pictures, gap=16)


def main(argv=None) -> None:
    from mmseg.apis import init_model

    args = parse_args(argv)
    try:
        cfg = read_config(args)
        samples = build_samples(cfg, args.split)
        indices = choose(len(samples), args)
        with checked_local_files():
            model = init_model(cfg, args.checkpoint, device=args.device)
        make_output_folder(args.output_dir, '--output-dir')
        visualizer = AVSegLocalVisualizer()
        visualizer.dataset_meta = samples[0][0].metainfo
        for index in tqdm(indices, 'pictures', unit='picture'):
            dataset, number = samples[index]
            name = osp.splitext(osp.basename(dataset.get_data_info(number)['img_path']))[0]
            picture = draw(model, samples[index], visualizer)
            mmcv.imwrite(mmcv.rgb2bgr(picture), osp.join(args.output_dir, f'{index:06d}_{name}.png'))
    except KeyboardInterrupt:
        sys.exit('interrupted; pictures that were written are kept')
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    print(f'The pictures are in {args.output_dir}')


if __name__ == '__main__':
    main()
