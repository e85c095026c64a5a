from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

from ..full_precision import full_precision

_CHANNELS = (64, 'M', 128, 'M', 256, 256, 'M', 512, 512, 'M')


@MODELS.register_module()
class VGGish(BaseModule):
    """The VGG-like audio network of AudioSet, on the first 0.96 s of mono audio.

    The parameters have the names of the published PyTorch weights (``features.*``, ``embeddings.*``).

    Args:
        out_channels: Size of the embedding; the published weights have 128.
        frames: Number of frames that the network uses, from the start of the spectrogram. VGGish uses 96; 1 s has 100.
        n_mels: Mel bands.
        frozen: Keeps the weights unchanged in training.
        init_cfg: As in mmengine.

    Shape:
        - Input: (B, 1, ``frames`` or more, n_mels)
        - Output: (B, out_channels), not negative
    """

    def __init__(
        self,
        out_channels: int = 128,
        frames: int = 96,
        n_mels: int = 64,
        frozen: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        layers, channels = [], 1
        for item in _CHANNELS:
            if item == 'M':
                layers.append(nn.MaxPool2d(2, 2))
            else:
                layers += [nn.Conv2d(channels, item, 3, padding=1), nn.ReLU(inplace=True)]
                channels = item
        self.features = nn.Sequential(*layers)
        self.embeddings = nn.Sequential(
            nn.Linear(channels * (frames // 16) * (n_mels // 16), 4096),
            nn.ReLU(inplace=True),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Linear(4096, out_channels),
            nn.ReLU(inplace=True),
        )
        self.frames = frames
        self.frozen = frozen
        if frozen:
            self.requires_grad_(False)

    def forward(self, log_mel: Tensor) -> Tensor:
        """Embeds a batch of spectrograms, in float32.

        Raises:
            ValueError: The spectrograms are not mono, or have fewer than ``frames`` frames.
        """
        if log_mel.shape[1] != 1:
            raise ValueError(
                f'VGGish takes mono audio, but the audio has {log_mel.shape[1]} channels: set channels=1 '
                'of LoadAudio in the pipelines'
            )
        if log_mel.shape[-2] < self.frames:
            raise ValueError(
                f'VGGish takes {self.frames} frames, got {log_mel.shape[-2]}: set `duration` of LoadAudio to '
                f'{self.frames / 100:g} s or more, or model.audio_backbone.frames to {log_mel.shape[-2] // 16 * 16}'
            )
        log_mel = log_mel[..., : self.frames, :]
        with full_precision(log_mel):
            # The original flattens with the channels last.
            return self.embeddings(self.features(log_mel).permute(0, 2, 3, 1).flatten(1))
