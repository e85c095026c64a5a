import torch
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS
from torch import Tensor

from mmavs.audio import SAMPLE_RATE, seconds_to_samples
from mmavs.audio.excerpt import EXCERPT_CHOICES
from mmavs.audio.mixing import is_position, mix_sources
from mmavs.audio.reading import MISSING_CHOICES, read_clip


@TRANSFORMS.register_module()
class LoadAudio(BaseTransform):
    """Loads the audio of a sample and mixes its sources.

    Of each source, ``duration`` seconds are read and resampled to ``sample_rate``. These seconds begin at the source's
    ``start`` if it has one: each frame of a video has its own second. Otherwise ``excerpt`` selects them, and a
    recording shorter than ``duration`` is repeated.

    By default, the channels of a recording are averaged, and the mono signal is panned to the source's ``position``.
    With ``keep_channels``, a stereo recording keeps its two channels and needs no ``position``; a mono recording is
    panned to its ``position``, or to the center if it has none. The sources are then added.

    Required Keys:

    - sources (list[dict]): for each source ``audio_path`` (str), ``position`` (float, 0 left to 1 right) and optionally
      ``start`` (float, seconds). An empty list gives silence.
    - img_path (str): optional, for messages
    - mirrored (bool): optional, set by ``AVRandomFlip``. The channels of stereo recordings are swapped then.

    Added Keys:

    - audio (torch.Tensor): float32, (channels, duration * sample_rate)
    - sample_rate (int): Hz

    Args:
        duration: Seconds of audio per sample: 3 in VPO, 1 in AVSBench. The log-mel spectrogram has 100 frames per
            second. A network trained with one duration accepts others, except VGGish, which only uses the first 0.96
            seconds; train and test with the same.
        channels: 2 for stereo, 1 for mono.
        sample_rate: Hz. The spectrogram of ``AVDataPreProcessor`` needs 16,000; another rate is an error there.
        silent: Returns zeros and reads no file. This is the control experiment for the contribution of audio.
        missing: ``'error'`` or ``'silence'``: the treatment of a recording that ends before half of the seconds from
            ``start`` on. If less than half is missing, it is filled with silence in both cases.
        excerpt: Seconds to take from a source without ``start``: ``'middle'`` of the recording, as in the paper, or the
            ``'loudest'``, those with the largest energy. The latter reads the complete recording.
        keep_channels: Keeps the channels of stereo recordings, for recordings that were made in stereo at the scene.
            Needs ``channels=2``. More than two channels are an error.
    """

    def __init__(
        self,
        duration: float = 3.0,
        channels: int = 2,
        sample_rate: int = SAMPLE_RATE,
        silent: bool = False,
        missing: str = MISSING_CHOICES[0],
        excerpt: str = EXCERPT_CHOICES[0],
        keep_channels: bool = False,
    ) -> None:
        if channels not in (1, 2):
            raise ValueError(f'LoadAudio: channels must be 1 (mono) or 2 (stereo), got {channels}')
        if duration <= 0:
            raise ValueError(f'LoadAudio: duration must be positive, got {duration}')
        if sample_rate <= 0:
            raise ValueError(f'LoadAudio: sample_rate must be positive, got {sample_rate}')
        for name, value, choices in (('missing', missing, MISSING_CHOICES), ('excerpt', excerpt, EXCERPT_CHOICES)):
            if value not in choices:
                raise ValueError(f'LoadAudio: {name} must be one of {", ".join(choices)}, got {value!r}')
        if keep_channels and channels == 1:
            raise ValueError('LoadAudio: keep_channels=True needs channels=2; channels=1 averages the channels')
        self.duration = duration
        self.channels = channels
        self.sample_rate = sample_rate
        self.silent = silent
        self.missing = missing
        self.excerpt = excerpt
        self.keep_channels = keep_channels
        self.num_samples = seconds_to_samples(duration, sample_rate)

    def transform(self, results: dict) -> dict:
        """Adds ``audio`` to ``results``.

        Raises:
            ValueError: The sample has no ``sources``, or the ``position`` of a source is not a number in [0, 1].
            FileNotFoundError, AudioFileError: see :func:`read_clip`.
        """
        if 'sources' not in results:
            raise ValueError(_missing_sources(results.get('img_path', 'the sample')))
        results['sample_rate'] = self.sample_rate
        sources = results['sources']
        self._check_positions(sources, results.get('img_path', 'the sample'))
        if self.silent or not sources:
            results['audio'] = torch.zeros(self.channels, self.num_samples)
            return results
        clips = [self._read(s, mirrored=results.get('mirrored', False)) for s in sources]
        results['audio'] = mix_sources(clips, [s.get('position', 0.5) for s in sources], channels=self.channels)
        return results

    def _read(self, source: dict, *, mirrored: bool) -> Tensor:
        """The clip of a source: (samples,), or (2, samples) if it keeps its two channels."""
        clip = read_clip(
            source['audio_path'],
            num_samples=self.num_samples,
            sample_rate=self.sample_rate,
            start=source.get('start'),
            missing=self.missing,
            excerpt=self.excerpt,
            mono=not self.keep_channels,
        )
        if clip.ndim == 1:
            return clip
        if len(clip) == 1:
            return clip[0]
        return clip.flip(0) if mirrored else clip

    def _check_positions(self, sources: list[dict], image: str) -> None:
        """Checks positions in mono, too, since the same dataset may be used in stereo next."""
        for source in sources:
            if self.keep_channels and 'position' not in source:
                continue
            if not is_position(position := source.get('position')):
                raise ValueError(
                    f'`position` of {source["audio_path"]} in the sources of {image} must be a number in [0, 1], got '
                    f'{position!r}: correct it in the annotation file, or in load_data_list of the dataset. Stereo '
                    'recordings with LoadAudio(keep_channels=True) need none.'
                )

    def __repr__(self) -> str:
        return (
            f'{self.__class__.__name__}(duration={self.duration}, channels={self.channels}, '
            f"sample_rate={self.sample_rate}, silent={self.silent}, missing='{self.missing}', "
            f"excerpt='{self.excerpt}', keep_channels={self.keep_channels})"
        )


def _missing_sources(image: str) -> str:
    return (
        f'LoadAudio: {image} has no `sources`, the list of its recordings. Add it to the sample, '
        "for example dict(img_path='a.jpg', sources=[dict(audio_path='a.wav', position=0.5)]), where position is 0 "
        "(left) to 1 (right); sources=[] gives silence. mmseg's inference_model and MMSegInferencer pass an image "
        'alone and cannot be used.'
    )
