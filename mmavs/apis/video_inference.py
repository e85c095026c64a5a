"""Methods of the inferencer for videos: each frame is segmented with the audio around it."""

import os.path as osp
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from mmseg.structures import SegDataSample
from torch import Tensor

from mmavs.audio.sound_track import SoundTrack

from .frame_order import in_order, smoothed
from .input_pipeline import Sample
from .outputs import OutputWriter, Result
from .prediction import MaskRule, find_probabilities
from .video_clips import ClipSettings, find_clip_settings, group_clips
from .video_reader import VideoError, VideoReader
from .video_writer import VideoWriter


class TimedFrame(NamedTuple):
    """A frame with its audio."""

    number: int
    time: float
    image: np.ndarray
    audio: Tensor


class VideoInference:
    """Methods for videos of :class:`AVSegInferencer`."""

    @property
    def clip_settings(self) -> ClipSettings:
        """Length and spacing of the input clips of the network."""
        return find_clip_settings(self.cfg, self.model.fusion)

    def iter_video(
        self,
        path: str,
        *,
        fps: float | None = None,
        batch_size: int = 1,
        return_datasamples: bool = False,
        return_vis: bool = False,
        audio_shift: float = 0.0,
        position: float | None = None,
        threshold: float | None = None,
        show_classes: Sequence[str] | None = None,
        smooth: int = 1,
        opacity: float = 0.6,
        with_labels: bool = True,
    ) -> Iterator[dict | SegDataSample]:
        """Yields the results of the frames of a video, in order. Only a few frames are in memory.

        Each frame gets the audio of the video around its time, with the duration of the training. Temporal networks get
        clips with the length and spacing of their training. A video without audio gets silence.

        Args:
            path: The video. It is rotated as its metadata states.
            fps: Frames per second to segment; None for all.
            batch_size: Number of frames in a batch.
            return_datasamples: Yields data samples, with the meta keys ``frame_number`` and ``time``.
            return_vis: Adds overlays to the results.
            audio_shift: Uses the audio this many seconds after each frame, for videos with delayed audio.
            position: See :meth:`__call__`. None keeps the channels of the track.
            threshold, show_classes: See :class:`MaskRule`.
            smooth: Averages the probabilities over this odd number of frames around each frame. With 1, frames are
                independent and masks may flicker.
            opacity, with_labels: See :meth:`__call__`.

        Yields:
            dict: ``predictions``, ``visualization``, ``sounding`` as for a picture, ``frame``, ``time`` and
            ``input``, the path.

        Raises:
            FileNotFoundError, VideoError: There is no such file, or it is not a readable video.
            ValueError: An argument is out of range.
        """
        rule = self._make_rule(threshold, show_classes)
        style = dict(opacity=opacity, with_labels=with_labels) if return_vis else None
        with VideoReader(path, fps) as reader:
            results = self._predict_video(
                reader,
                rule,
                style,
                batch_size=batch_size,
                audio_shift=audio_shift,
                position=position,
                smooth=smooth,
                with_sample=return_datasamples,
            )
            with closing(results):
                for result in self._with_progress(results, reader.expected_frames, unit='frame'):
                    yield _to_output(result, return_datasamples)

    def _iter_videos(self, paths: Sequence[str], **options) -> Iterator[dict | SegDataSample]:
        for path in paths:
            yield from self.iter_video(path, **options)

    def process_videos(
        self,
        paths: str | Sequence[str],
        out_dir: str,
        *,
        fps: float | None = None,
        batch_size: int = 1,
        audio_shift: float = 0.0,
        position: float | None = None,
        threshold: float | None = None,
        show_classes: Sequence[str] | None = None,
        smooth: int = 1,
        opacity: float = 0.6,
        with_labels: bool = True,
        img_out_dir: str = 'vis',
        pred_out_dir: str = 'pred',
        save_probs: bool = False,
        save_rle: bool = False,
    ) -> dict[str, Any]:
        """Segments videos and writes the results into a folder, see :class:`OutputWriter`.

        The overlays of a video are ``<img_out_dir>/<name>.mp4``, with its audio. An interruption keeps finished
        results. Videos that cannot be read are skipped if there are others.

        Args:
            paths: A video or several.
            out_dir: The folder.
            fps, batch_size, audio_shift, position, threshold, show_classes, smooth, opacity, with_labels: See
                :meth:`iter_video`.
            img_out_dir, pred_out_dir, save_probs, save_rle: See :meth:`__call__`.

        Returns:
            dict: ``frames``, the number of frames; ``visualization``, the overlay videos; ``sounding``, a dict with the
            number of frames of each class; ``failed``, (path, reason) of videos that cannot be read.

        Raises:
            OSError: A file cannot be written, or none of the videos can be read; the message names it.
        """
        paths = [paths] if isinstance(paths, str) else list(paths)
        rule = self._make_rule(threshold, show_classes)
        style = dict(opacity=opacity, with_labels=with_labels) if img_out_dir else None
        options = dict(batch_size=batch_size, audio_shift=audio_shift, position=position, smooth=smooth)
        writer = OutputWriter(
            out_dir, self.classes, vis_dir=img_out_dir, pred_dir=pred_out_dir, save_probs=save_probs, save_rle=save_rle
        )
        done: dict[str, Any] = dict(frames=0, visualization=[], sounding={}, failed=[])
        with writer:
            for path in paths:
                try:
                    self._process_video(path, fps, writer, rule, style, save_probs, options, done)
                except (VideoError, FileNotFoundError) as error:
                    if len(paths) == 1:
                        raise
                    done['failed'].append((path, str(error)))
        if len(done['failed']) == len(paths):
            raise VideoError(f'none of the {len(paths)} videos can be read, the first: {done["failed"][0][1]}')
        return done

    def _process_video(self, path, fps, writer, rule, style, with_probs, options, done) -> None:
        with ExitStack() as stack:
            reader = stack.enter_context(VideoReader(path, fps))
            results = self._predict_video(reader, rule, style, with_probs=with_probs, **options)
            stack.enter_context(closing(results))
            target = None
            if style is not None:
                name = osp.join(writer.vis_dir, f'{writer.stem_of(path)}.mp4')
                rate = min(fps, reader.rate) if fps else reader.rate
                target = stack.enter_context(VideoWriter(name, source=path, rate=rate, origin=reader.origin))
                done['visualization'].append(name)
            for result in self._with_progress(results, reader.expected_frames, unit='frame'):
                writer.write(result)
                if target is not None:
                    target.write(result.visualization, result.time)
                done['frames'] += 1
                for found in result.sounding:
                    done['sounding'][found.name] = done['sounding'].get(found.name, 0) + 1

    def _predict_video(
        self,
        reader: VideoReader,
        rule: MaskRule,
        style: dict | None,
        *,
        batch_size: int,
        audio_shift: float,
        position: float | None,
        smooth: int,
        **kept: bool,
    ) -> Iterator[Result]:
        if batch_size < 1:
            raise ValueError(f'batch_size must be at least 1, got {batch_size}')
        if smooth < 1 or smooth % 2 == 0:
            raise ValueError(f'smooth must be an odd number of frames, got {smooth}')
        outputs = self._outputs_of(self._frames_with_sound(reader, audio_shift, position), reader.path, batch_size)

        def finish(frame: TimedFrame, output: SegDataSample, probabilities: Tensor) -> Result:
            sample = Sample(None, name=reader.path, meta=dict(frame_number=frame.number, time=frame.time))
            return self._finish(sample, frame.image, output, probabilities, rule, style, self.draw_frame, **kept)

        if smooth == 1 and self.clip_settings.frames == 1:
            yield from (finish(frame, *rest) for _, frame, *rest in outputs)
        elif smooth == 1:  # only the results of one part of the video are sorted at a time
            yield from in_order((part, frame.time, finish(frame, *rest)) for part, frame, *rest in outputs)
        else:
            items = in_order((part, frame.time, (frame, *rest)) for part, frame, *rest in outputs)
            yield from (finish(*item) for item in smoothed(items, smooth))

    def _frames_with_sound(
        self, reader: VideoReader, audio_shift: float, position: float | None
    ) -> Iterator[TimedFrame]:
        settings = self.pipeline.load_audio
        track = SoundTrack(
            reader.path,
            num_samples=settings.num_samples,
            sample_rate=settings.sample_rate,
            channels=settings.channels,
            position=position,
            origin=reader.origin,
        )
        with closing(track):
            if not track.exists:
                warnings.warn(f'{reader.path} has no audio track: its frames get silence', stacklevel=2)
            for frame in reader:
                window = track.window(frame.time + audio_shift)
                yield TimedFrame(*frame, window * 0 if settings.silent else window)

    def _outputs_of(
        self, frames: Iterable[TimedFrame], name: str, batch_size: int
    ) -> Iterator[tuple[int, TimedFrame, SegDataSample, Tensor]]:
        """Yields (index of the part, frame, output of the network, probabilities); parts are in order."""
        settings = self.clip_settings
        clips = group_clips(frames, settings)
        number = 0
        while batch := list(islice(clips, max(1, batch_size // settings.frames))):
            packed = []
            for clip in batch:
                number += 1
                for place, frame in enumerate(clip.frames):
                    meta = dict(clip=f'{name}:{number}', frame=place) if settings.frames > 1 else {}
                    packed.append(self.pipeline(Sample(frame.image, audio=frame.audio, name=name, meta=meta))[1])
            outputs = self.run_network(packed)
            for clip in batch:
                of_clip, outputs = outputs[: settings.frames], outputs[settings.frames :]
                for place in clip.places:
                    yield clip.part, clip.frames[place], of_clip[place], find_probabilities(of_clip[place])


def _to_output(result: Result, as_sample: bool) -> dict | SegDataSample:
    if as_sample:
        return result.data_sample
    return dict(
        predictions=result.mask,
        visualization=result.visualization,
        sounding=result.sounding,
        frame=result.frame,
        time=result.time,
        input=result.name,
    )
