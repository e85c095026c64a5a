import torch
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from mmavs.audio import SAMPLE_RATE, seconds_to_samples
from mmavs.audio.mixing import is_position, mix_sources
from mmavs.audio.reading import MISSING_CHOICES, read_clip


@TRANSFORMS.register_module()
class LoadAudio(BaseTransform):
    """Loads and mixes the sounds of a sample.

    Of each source ``duration`` seconds are read, brought to ``sample_rate``, panned to the source's position and added.
    These are the middle of the recording (a shorter one is repeated), or those from ``start`` on where the source has
    one: frames of a video each have the sound of their own second.

    Required Keys:

    - sources (list[dict]): ``audio_path`` (str), ``position`` (float, 0 left to 1 right) and optionally ``start``
      (float, seconds) of each
    - img_path (str): optional, for messages

    Added Keys:

    - audio (torch.Tensor): float32, (channels, duration * sample_rate)

    Args:
        duration: Seconds of sound that belong to a sample. VPO: 3; AVSBench: 1.
        channels: 2 for stereo, 1 for mono.
        sample_rate: Hz.
        missing: What a source with ``start`` gives if its recording ends before half of the wanted seconds:
            ``'error'`` or ``'silence'``. What little is missing otherwise is silence.
        silent: Gives zeros and reads no file: the control experiment that shows what vision alone achieves.
    """

    def __init__(
        self,
        duration: float = 3.0,
        channels: int = 2,
        sample_rate: int = SAMPLE_RATE,
        silent: bool = False,
        missing: str = 'error',
    ) -> None:
        if channels not in (1, 2):
            raise ValueError(f'LoadAudio: channels must be 1 (mono) or 2 (stereo), got {channels}')
        if duration <= 0:
            raise ValueError(f'LoadAudio: duration must be positive, got {duration}')
        if sample_rate <= 0:
            raise ValueError(f'LoadAudio: sample_rate must be positive, got {sample_rate}')
        if missing not in MISSING_CHOICES:
            raise ValueError(f'LoadAudio: missing must be one of {", ".join(MISSING_CHOICES)}, got {missing!r}')
        self.duration = duration
        self.channels = channels
        self.sample_rate = sample_rate
        self.silent = silent
        self.missing = missing
        self.num_samples = seconds_to_samples(duration, sample_rate)

    def transform(self, results: dict) -> dict:
        """Adds ``audio`` to ``results``.

        Raises:
            ValueError: A source's ``position`` is no number in [0, 1].
            FileNotFoundError, AudioFileError: see :func:`read_clip`.
        """
        sources = results['sources']
        _check_positions(sources, results.get('img_path', 'the sample'))
        if self.silent or not sources:
            results['audio'] = torch.zeros(self.channels, self.num_samples)
            return results
        clips = [
            read_clip(
                s['audio_path'],
                num_samples=self.num_samples,
                sample_rate=self.sample_rate,
                start=s.get('start'),
                missing=self.missing,
            )
            for s in sources
        ]
        results['audio'] = mix_sources(clips, [s['position'] for s in sources], channels=self.channels)
        return results

    def __repr__(self) -> str:
        return (
            f'{self.__class__.__name__}(duration={self.duration}, channels={self.channels}, '
            f"sample_rate={self.sample_rate}, silent={self.silent}, missing='{self.missing}')"
        )


def _check_positions(sources: list[dict], image: str) -> None:
    """Mono sound has to pass, too: its dataset may be trained in stereo next."""
    for source in sources:
        if not is_position(position := source.get('position')):
            raise ValueError(
                f'`position` of {source["audio_path"]} in the sources of {image} must be a number in [0, 1], got '
                f'{position!r}: correct it in the annotation file, or in load_data_list of the dataset'
            )
