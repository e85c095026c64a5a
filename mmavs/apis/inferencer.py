import os.path as osp
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import groupby, islice
from typing import Any

import mmcv
import numpy as np
import torch
from mmengine.config import Config, ConfigDict
from mmengine.dataset import pseudo_collate
from mmengine.structures import PixelData
from mmseg.apis import MMSegInferencer
from mmseg.registry import INFERENCERS, MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn
from tqdm import tqdm

from mmavs.visualization import AVSegLocalVisualizer

from .checkpoints import (
    describe_training,
    find_classes,
    find_pipeline,
    load_weights,
    pipeline_with_stored_audio,
    read_checkpoint,
    stored_config,
    to_dict,
    without_downloads,
)
from .input_pipeline import InputPipeline, Sample
from .inputs import find_videos, make_samples
from .onnx_model import OnnxSegmentor
from .outputs import OutputWriter, Result, collect
from .prediction import MaskRule, find_probabilities, set_prediction
from .video_inference import VideoInference


@INFERENCERS.register_module()
class AVSegInferencer(VideoInference, MMSegInferencer):
    """Segments the sounding objects of pictures with audio, and of videos::

        from mmavs.apis import AVSegInferencer
        inferencer = AVSegInferencer(weights='work_dirs/demo/best_mIoU_epoch_7.pth')
        result = inferencer('picture.jpg', 'sound.wav', position=0.3, out_dir='out')

    Arguments and results are named as in mmseg's ``MMSegInferencer``. The settings of the audio (length, stereo or
    mono, sample rate), the classes and the colors are those of the training, from the checkpoint if it contains them.

    Args:
        model: Config, its path, or the name of a model of mmavs or mmseg. None uses the config in the checkpoint,
            which is read as data and not executed; import your own modules first.
        weights: Path or URL of the checkpoint, or path of an ONNX file that ``tools/deployment/export_onnx.py`` has
            written; that also has the config.
        classes: Names of the classes, background first. None uses those of the checkpoint.
        palette: RGB of each class. None uses those of the checkpoint.
        dataset_name: A dataset of mmseg, whose classes and colors are used if they are not given.
        device: Device of the network; None uses a GPU if there is one.
        scope: Scope of the registries.
        show_progress: Shows a progress bar.
        max_size: Larger pictures are reduced for the network until their longer side has this many pixels. Masks have
            the size of the picture. None does not reduce them; a photograph with 12 megapixels needs 40 times the time
            and memory of one with 640 x 480 pixels.

    Raises:
        ValueError: There are no weights, they do not fit the config, or the classes are not known.
        ConfigTextError: The config in the checkpoint is missing, or contains more than values.
    """

    def __init__(
        self,
        model: dict | Config | ConfigDict | str | None = None,
        weights: str | None = None,
        classes: Sequence[str] | None = None,
        palette: Sequence[Sequence[int]] | None = None,
        dataset_name: str | None = None,
        device: str | None = None,
        scope: str | None = 'mmseg',
        show_progress: bool = True,
        max_size: int | None = None,
    ) -> None:
        self._max_size = max_size
        self._given = dict(classes=classes, palette=palette, dataset_name=dataset_name)
        super().__init__(model, weights, device=device, scope=scope)
        self.visualizer.set_dataset_meta(**self.model.dataset_meta)
        self.show_progress = show_progress

    def _init_model(self, cfg: Config | ConfigDict, weights: str | None, device: str = 'cpu') -> nn.Module:
        if weights is None:
            raise ValueError('weights is None: pass the path of a checkpoint, predictions need trained weights')
        _check_device(device)
        if str(weights).endswith('.onnx'):
            return self._init_onnx(cfg, str(weights), device)
        checkpoint = read_checkpoint(weights)
        if not cfg:
            cfg.update(stored_config(checkpoint, weights))
        self._steps = pipeline_with_stored_audio(cfg, checkpoint, weights)
        meta = find_classes(checkpoint, weights, **self._given)
        model = MODELS.build(ConfigDict(without_downloads(to_dict(cfg.model))))
        heads = model.decode_head if isinstance(model.decode_head, nn.ModuleList) else [model.decode_head]
        if heads[-1].num_classes != len(meta['classes']):
            raise ValueError(
                f'{weights} has {len(meta["classes"])} names of classes for {heads[-1].num_classes} classes of the '
                'network: pass classes=[...], background first, and palette=[...]'
            )
        load_weights(model, checkpoint, weights)
        model.cfg, model.dataset_meta = cfg, meta
        return model.to(device).eval()

    def _init_onnx(self, cfg: Config | ConfigDict, path: str, device: str) -> OnnxSegmentor:
        model = OnnxSegmentor(path, device)
        cfg.update(model.cfg)
        self._steps = find_pipeline(cfg)
        model.dataset_meta = find_classes(dict(meta=dict(dataset_meta=model.dataset_meta)), path, **self._given)
        return model.eval()

    def _init_pipeline(self, cfg: Config | ConfigDict) -> InputPipeline:
        return InputPipeline(self._steps, self._max_size)

    def _init_collate(self, cfg: Config | ConfigDict) -> Callable:
        return pseudo_collate

    def _init_visualizer(self, cfg: Config | ConfigDict) -> AVSegLocalVisualizer:
        # The visualizer of the config may write to TensorBoard or a server.
        return AVSegLocalVisualizer()

    def _load_model_from_metafile(self, model: str) -> tuple[Config, str | None]:
        for package in ('mmavs', 'mmseg'):
            folder = self._get_repo_or_mim_dir(package)
            for entry in self._get_models_from_metafile(folder):
                if entry['Name'].lower() == model.lower():
                    weights = entry.get('Weights')
                    return Config.fromfile(osp.join(folder, entry['Config'])), weights
        raise ValueError(f'model={model!r} is neither a config file nor the name of a model of mmavs or mmseg')

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, background first."""
        return self.model.dataset_meta['classes']

    @property
    def training(self) -> str:
        """The training data and the classes of the network, in one sentence."""
        return describe_training(self.cfg, self.classes)

    def __call__(
        self,
        inputs: Any,
        audio: Any = None,
        return_datasamples: bool = False,
        batch_size: int = 1,
        return_vis: bool = False,
        show: bool = False,
        wait_time: float = 0,
        out_dir: str = '',
        img_out_dir: str = 'vis',
        pred_out_dir: str = 'pred',
        *,
        position: float | Sequence[float] | None = None,
        sample_rate: int | None = None,
        keep_channels: bool | None = None,
        opacity: float = 0.6,
        with_labels: bool = True,
        threshold: float | None = None,
        show_classes: Sequence[str] | None = None,
        save_probs: bool = False,
        save_rle: bool = False,
        fps: float | None = None,
        audio_shift: float = 0.0,
        smooth: int = 1,
    ) -> dict | SegDataSample | list[SegDataSample]:
        """Segments pictures with audio, or videos with their audio track.

        Args:
            inputs: A picture (path, array (H, W, 3) BGR, tensor (3, H, W) RGB, image of PIL), several of them, or a
                folder. A photograph is rotated by its EXIF orientation. Or the path of a video, several of them, or a
                folder of videos, without ``audio``.
            audio: The sound of each picture: a path of any format that can be read, an array or tensor (samples,) or
                (channels, samples), a record ``dict(audio_path=..., position=..., start=...)``, or a list of records
                for several sources; ``[]`` is silence. A single sound is used for all pictures. For a folder of
                pictures, pass a folder in which each sound has the name of its picture; None is the same folder.
            return_datasamples: Returns data samples.
            batch_size: Maximum number of pictures of equal size in a batch.
            return_vis: Returns overlays.
            show: Shows overlays in a window.
            wait_time: Seconds for which a window is shown, 0 until a key is pressed.
            out_dir: Folder for the files of :class:`OutputWriter`; ``''`` writes nothing.
            img_out_dir: Folder in it for overlays, ``''`` for none.
            pred_out_dir: Folder in it for masks, ``''`` for none.
            position: Horizontal position of the source, 0 (left) to 1 (right), for networks of stereo audio; one or one
                for each picture. 0.5 by default.
            sample_rate: Hz, of sounds given as arrays; the sample rate of the network by default.
            keep_channels: Keeps the two channels of stereo sounds, for recordings made in stereo at the scene. If
                False, the channels are averaged and panned to ``position``. The default is that of the training.
            opacity: Opacity of the overlay.
            with_labels: Writes class names into the overlay.
            threshold: See :class:`MaskRule`.
            show_classes: Names of the classes to show; the others count as background.
            save_probs: Writes probabilities into ``out_dir``.
            save_rle: Writes the masks as RLE into ``out_dir``.
            fps, audio_shift, smooth: For videos, see :meth:`iter_video`.

        Returns:
            For a video with ``out_dir``, the dict of :meth:`process_videos`, which writes all results; for a video
            without it, an iterator over the results of the frames, see :meth:`iter_video`. For pictures:

            dict: ``predictions``, arrays (H, W) of class indices; ``visualization``, arrays (height, width, 3) RGB; and
            ``sounding``, for each picture the list of its :class:`SoundingClass`, empty if nothing sounds. For
            one picture, the entries are not lists but single results. With ``return_datasamples``, the data samples.

        Raises:
            OSError, ValueError: A picture or sound cannot be used, or an argument is out of range.
        """
        if audio is None and (videos := find_videos(inputs)):
            common = dict(
                fps=fps,
                batch_size=batch_size,
                audio_shift=audio_shift,
                smooth=smooth,
                position=0.5 if position is None and keep_channels is False else position,
                threshold=threshold,
                show_classes=show_classes,
                opacity=opacity,
                with_labels=with_labels,
            )
            folders = dict(img_out_dir=img_out_dir, pred_out_dir=pred_out_dir, save_probs=save_probs, save_rle=save_rle)
            if out_dir:
                return self.process_videos(videos, out_dir, **common, **folders)
            return self._iter_videos(videos, return_datasamples=return_datasamples, return_vis=return_vis, **common)
        samples = make_samples(
            inputs, audio, position=position, sample_rate=sample_rate or self.sample_rate, keep_channels=keep_channels
        )
        rule = self._make_rule(threshold, show_classes)
        drawn = show or return_vis or bool(out_dir and img_out_dir)
        style = dict(opacity=opacity, with_labels=with_labels) if drawn else None
        writer = OutputWriter(
            out_dir,
            self.classes,
            vis_dir=img_out_dir,
            pred_dir=pred_out_dir,
            save_probs=save_probs,
            save_rle=save_rle,
        )
        kept_parts, kept = dict(with_probs=save_probs, with_sample=return_datasamples), []
        with writer, closing(self._predict(samples, rule, batch_size, style, **kept_parts)) as results:
            for result in self._with_progress(results, len(samples)):
                writer.write(result)
                if show:
                    self.visualizer.show(result.visualization, win_name=result.name, wait_time=wait_time)
                vis = result.visualization if return_vis else None
                kept.append(result._replace(probabilities=None, visualization=vis))
        return collect(kept, return_datasamples, return_vis)

    @property
    def sample_rate(self) -> int:
        """Sample rate of the audio input of the network, in Hz."""
        return self.pipeline.load_audio.sample_rate

    def _make_rule(self, threshold: float | None, show_classes: Sequence[str] | None) -> MaskRule:
        head = self.model.decode_head
        head = head[-1] if isinstance(head, nn.ModuleList) else head
        return MaskRule(
            self.classes,
            head_threshold=head.threshold if head.out_channels == 1 else None,
            threshold=threshold,
            selected=show_classes,
        )

    def _with_progress(self, results: Iterable, total: int | None, unit: str = 'picture') -> Iterable:
        if not self.show_progress or total == 1:
            return results
        return tqdm(results, total=total, desc='Inference', unit=unit, mininterval=0.5)

    def _predict(
        self, samples: Iterable[Sample], rule: MaskRule, batch_size: int, style: dict | None, **kept: bool
    ) -> Iterator[Result]:
        """Yields the results of pictures, batch by batch."""
        if batch_size < 1:
            raise ValueError(f'batch_size must be at least 1, got {batch_size}')
        for batch in _batches(((sample, *self.pipeline(sample)) for sample in samples), batch_size):
            batch_samples, images, packed = zip(*batch, strict=True)
            for sample, image, output in zip(batch_samples, images, self.run_network(packed), strict=True):
                yield self._finish(sample, image, output, find_probabilities(output), rule, style, self.draw, **kept)

    @torch.no_grad()
    def run_network(self, packed: Sequence[dict]) -> list[SegDataSample]:
        """The outputs of the network for inputs of :class:`InputPipeline`."""
        return self.model.test_step(pseudo_collate(list(packed)))

    def _finish(
        self,
        sample: Sample,
        image: np.ndarray,
        output: SegDataSample,
        probabilities: Tensor,
        rule: MaskRule,
        style: dict | None,
        draw: Callable[..., np.ndarray],
        *,
        with_probs: bool = False,
        with_sample: bool = False,
    ) -> Result:
        mask = rule(probabilities)
        sounding = rule.list_classes(mask, probabilities)
        mask = mask.cpu()
        output.set_metainfo(sample.meta)
        set_prediction(output, mask)
        return Result(
            name=sample.name,
            frame=sample.meta.get('frame_number'),
            time=sample.meta.get('time'),
            mask=mask.numpy().astype(np.uint8),
            sounding=sounding,
            probabilities=probabilities.half().cpu().numpy() if with_probs else None,
            visualization=None if style is None else draw(image, mask.numpy(), **style),
            data_sample=output.cpu() if with_sample else None,
        )

    def draw(
        self, image: np.ndarray, mask: np.ndarray, *, opacity: float = 0.6, with_labels: bool = True
    ) -> np.ndarray:
        """Draws a picture (H, W, 3), BGR, next to its prediction (H, W), with a line of the sounding classes: RGB."""
        self.visualizer.alpha = opacity
        sample = SegDataSample(pred_sem_seg=PixelData(data=torch.from_numpy(mask)[None]))
        return self.visualizer.draw(mmcv.bgr2rgb(image), sample, draw_gt=False, with_labels=with_labels)

    def draw_frame(
        self, image: np.ndarray, mask: np.ndarray, *, opacity: float = 0.6, with_labels: bool = True
    ) -> np.ndarray:
        """The overlay of a frame (H, W, 3), BGR, in its size: RGB."""
        self.visualizer.alpha = opacity
        return self.visualizer.draw_frame(mmcv.bgr2rgb(image), mask, with_labels=with_labels)


def _check_device(device: str) -> None:
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).split('\n')[0]
        raise ValueError(f"device={device!r} cannot be used ({reason}): pass device='cpu', 'cuda' or None") from error


def _batches(items: Iterable[tuple], size: int) -> Iterator[list[tuple]]:
    """Groups of at most ``size`` consecutive items whose inputs have equal shapes."""
    for _, group in groupby(items, key=lambda item: tuple(item[2]['inputs']['img'].shape)):
        while batch := list(islice(group, size)):
            yield batch
