"""Draws samples of a dataset before and after augmentation.

    python tools/analysis_tools/browse_dataset.py configs/cavp/cavp_r18_mini.py --output-dir work_dirs/browse

Each picture shows a sample's image, mask, waveforms and log-mel spectrograms of the left and right channel, and the
positions of its sources. Samples are taken at equal distances, unless --indices is set.
"""

import argparse
import os.path as osp
import sys

import mmcv
from dataset_samples import add_cfg_options, add_choice, build_samples, choose, read_config
from tqdm import tqdm

from mmavs.engine.runner.seeding import seed_sample
from mmavs.utils.files import make_output_folder
from mmavs.visualization.pipeline_stages import augmented_view, loaded_view
from mmavs.visualization.sample_picture import draw_sample


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('--output-dir', help='folder for the pictures; default: show them in a window')
    parser.add_argument('--split', choices=['train', 'val', 'test'], default='train', help='data loader (train)')
    add_choice(parser, 20)
    parser.add_argument('--seed', type=int, default=0, help='seed of the augmentation (0)')
    parser.add_argument('--not-show', action='store_true', help='open no window')
    parser.add_argument('--show-interval', type=float, default=2, help='seconds for which a picture is shown (2)')
    add_cfg_options(parser)
    return parser.parse_args(argv)


def record_crops(cfg: dict | list | tuple) -> None:
    """Replaces each RandomCrop by AVRandomCrop, which makes the same crops and records their positions."""
    if isinstance(cfg, dict) and cfg.get('type') == 'RandomCrop':
        cfg['type'] = 'AVRandomCrop'
    for value in cfg.values() if isinstance(cfg, dict) else cfg:
        if isinstance(value, (dict, list, tuple)):
            record_crops(value)


def browse(args: argparse.Namespace) -> None:
    cfg = read_config(args)
    record_crops(cfg[f'{args.split}_dataloader'].dataset)
    samples = build_samples(cfg, args.split)
    if args.output_dir:
        make_output_folder(args.output_dir, '--output-dir')
    for index in tqdm(choose(len(samples), args), 'pictures', unit='picture'):
        dataset, number = samples[index]
        record, transforms = dataset.get_data_info(number), dataset.pipeline.transforms
        views = [loaded_view(transforms, record)]
        seed_sample((args.seed, index))
        if (after := augmented_view(transforms, record)) is not None:
            views.append(after)
        picture = mmcv.rgb2bgr(draw_sample(views, dataset.metainfo['classes'], dataset.metainfo['palette']))
        if args.output_dir:
            name = osp.splitext(osp.basename(record['img_path']))[0]
            mmcv.imwrite(picture, osp.join(args.output_dir, f'{index:06d}_{name}.png'))
        elif not args.not_show:
            mmcv.imshow(picture, f'sample {index}', round(1000 * args.show_interval))


def main(argv=None) -> None:
    args = parse_args(argv)
    try:
        browse(args)
    except KeyboardInterrupt:
        sys.exit('interrupted; pictures that were written are kept')
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    if args.output_dir:
        print(f'The pictures are in {args.output_dir}')


if __name__ == '__main__':
    main()
