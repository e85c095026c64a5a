"""Export of a network and of its log-mel spectrogram to ONNX."""

import json
import logging
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.config import Config
from torch import Tensor, nn

from mmavs.audio.log_mel import LogMel
from mmavs.models.segmentors import AVEncoderDecoder
from mmavs.utils.files import atomic_file

METADATA = 'mmavs'
"""Key, in the metadata of the file, of the JSON with config, classes and colors."""
SIZES = ((1, 128, 160), (2, 97, 130), (1, 224, 192))  # (batch, height, width) of the comparison
TOLERANCE = 1e-3


class ExportError(RuntimeError):
    """A network cannot be exported; the message contains the reason."""


class ExportedNetwork(nn.Module):
    """A segmentor from normalized image and spectrogram to logits, without preprocessing and postprocessing.

    Shape:
        - image: (B, 3, H, W), normalized as the model's preprocessor does
        - log_mel: (B, channels, frames, mels)
        - Output: (B, classes, H, W), logits; for a head with one output channel (B, 1, H, W), before the sigmoid
    """

    def __init__(self, model: AVEncoderDecoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor, log_mel: Tensor) -> Tensor:
        """Segments a batch."""
        model = self.model
        audio = model.audio_backbone(log_mel)
        fused = model.fusion(model.extract_feat(image), audio=audio)
        logits = model.forward_heads(fused)
        return F.interpolate(logits, size=image.shape[2:], mode='bilinear', align_corners=model.align_corners)


def export_network(model: nn.Module, path: str, *, cfg: Any, classes: Sequence[str], palette: Sequence) -> None:
    """Writes a network as ONNX, with inputs ``image`` and ``log_mel`` of any batch, height, width and length.

    Args:
        model: A segmentor in evaluation mode on the CPU.
        path: The file.
        cfg: The config, which is stored in the metadata of the file together with ``classes`` and ``palette``.
        classes: Names of the classes.
        palette: RGB of each class.

    Raises:
        ExportError: The kind of network is not supported, or torch's exporter cannot export it.
        OSError: The file cannot be written.
    """
    check_exportable(model)
    head = model.decode_head[-1] if isinstance(model.decode_head, nn.ModuleList) else model.decode_head
    info = dict(
        config=Config(dict(cfg)).pretty_text,
        classes=list(classes),
        palette=[list(map(int, color)) for color in palette],
        out_channels=head.out_channels,
        threshold=head.threshold,
        align_corners=model.align_corners,
    )
    inputs = _example(model, batch=2, size=(96, 128))
    any_size = torch.export.Dim.DYNAMIC
    shapes = dict(image={0: any_size, 2: any_size, 3: any_size}, log_mel={0: any_size})
    if getattr(model.audio_backbone, 'frames', None) is None:
        shapes['log_mel'][2] = any_size
    program = _export(ExportedNetwork(model), inputs, ('image', 'log_mel'), 'logits', shapes)
    program.model.metadata_props[METADATA] = json.dumps(info)
    _save(program, path)


def export_log_mel(path: str, log_mel: LogMel | None = None) -> None:
    """Writes the spectrogram as ONNX: ``waveform`` (B, channels, samples) of 16 kHz -> ``log_mel``.

    Raises:
        ExportError: torch's exporter cannot export it.
        OSError: The file cannot be written.
    """
    any_size = torch.export.Dim.DYNAMIC
    program = _export(
        (log_mel or LogMel()).eval(),
        (torch.randn(2, 2, 16000),),
        ('waveform',),
        'log_mel',
        dict(waveform={0: any_size, 1: any_size, 2: any_size}),
    )
    _save(program, path)


def check_exportable(model: nn.Module) -> None:
    """Raises an ExportError for kinds of networks that are not supported."""
    if not isinstance(model, AVEncoderDecoder):
        raise ExportError(f'{type(model).__name__} cannot be exported, only AVEncoderDecoder and its subclasses')
    if getattr(model.fusion, 'needs_frames', False):
        raise ExportError(
            f'{type(model.fusion).__name__} fuses the frames of a clip, whose number would be fixed in the file: '
            'such networks cannot be exported'
        )
    if model.test_cfg.get('mode', 'whole') != 'whole':
        raise ExportError(
            f'model.test_cfg.mode={model.test_cfg.mode!r} cannot be exported: set model.test_cfg=dict(mode="whole")'
        )
    if getattr(model.fusion, 'coordinates', None) == 'image':
        raise ExportError("model.fusion.coordinates='image' needs the position of a crop and cannot be exported")


def compare(model: nn.Module, path: str, sizes: Sequence[tuple[int, int, int]] = SIZES) -> float:
    """The largest difference of the logits of a file and its network, on noise of several sizes.

    Args:
        model: The segmentor.
        path: The file.
        sizes: (batch, height, width) of the inputs.

    Returns:
        float: Relative to the largest logit.

    Raises:
        ImportError: onnxruntime is not installed.
    """
    session, network, worst = open_session(path), ExportedNetwork(model), 0.0
    for batch, *size in sizes:
        inputs = _example(model, batch=batch, size=size)
        with torch.no_grad():
            expected = network(*inputs)
        (found,) = session.run(None, {name: x.numpy() for name, x in zip(('image', 'log_mel'), inputs, strict=True)})
        scale = max(float(expected.abs().max()), 1e-6)
        worst = max(worst, float(np.abs(found - expected.numpy()).max()) / scale)
    return worst


def open_session(path: str, device: str = 'cpu') -> Any:
    """Opens a file with ONNX Runtime, on a GPU if ``device`` is one and the runtime supports it.

    Raises:
        ImportError: onnxruntime is not installed.
        ValueError: The file is not an ONNX model; the message names it.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(
            f"{path} needs ONNX Runtime: pip install 'mmavs[onnx]' (or pip install onnxruntime)"
        ) from error
    available = onnxruntime.get_available_providers()
    wanted = ['CUDAExecutionProvider'] if str(device).startswith('cuda') else []
    providers = [name for name in (*wanted, 'CPUExecutionProvider') if name in available]
    try:
        return onnxruntime.InferenceSession(path, providers=providers)
    except Exception as error:  # its errors have no common public base class
        raise ValueError(f'{path} cannot be opened as an ONNX model: {str(error)[:200]}') from error


def _example(model: nn.Module, *, batch: int, size: Sequence[int]) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    channels = getattr(model.audio_backbone, 'in_channels', 1)
    frames = getattr(model.audio_backbone, 'frames', None) or 100
    image = torch.randn(batch, 3, *size, generator=generator)
    return image, torch.rand(batch, channels, frames, LogMel().spec.n_mels, generator=generator) * 2 - 1


def _export(network: nn.Module, inputs: tuple, names: Sequence[str], output: str, shapes: dict) -> Any:
    logging.disable(logging.WARNING)  # the exporter reports every step
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter('ignore')
            return torch.onnx.export(
                network,
                inputs,
                dynamo=True,
                input_names=list(names),
                output_names=[output],
                dynamic_shapes=shapes,
                verbose=False,
            )
    except ImportError as error:
        raise ImportError(f"the export needs onnx and onnxscript: pip install 'mmavs[onnx]' ({error})") from error
    except Exception as error:  # the exporter raises many types of errors
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise ExportError(f"torch's exporter cannot export this network: {reason[:300]}") from error
    finally:
        logging.disable(logging.NOTSET)


def _save(program: Any, path: str) -> None:
    with atomic_file(path, '--out') as part:
        program.save(part, external_data=False)
