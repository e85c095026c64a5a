"""A segmentor whose network is an ONNX file, for the inferencer."""

import json
from types import SimpleNamespace
from typing import Any

import torch
from mmengine.config import ConfigDict
from mmseg.models.segmentors import BaseSegmentor
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import nn

from .checkpoints import find_pipeline
from .config_text import check_types, parse_config_text
from .onnx_export import METADATA, open_session


class OnnxSegmentor(nn.Module):
    """A segmentor of mmseg with the same preprocessing and postprocessing, whose network is an exported file.

    Args:
        path: The file.
        device: ``'cpu'`` or ``'cuda'``, for ONNX Runtime.

    Attributes:
        cfg: The config in the file.
        dataset_meta: Classes and colors in the file.

    Raises:
        ImportError: onnxruntime is not installed.
        ValueError: The file was not written by :func:`export_network`.
    """

    def __init__(self, path: str, device: str = 'cpu') -> None:
        super().__init__()
        self.session = open_session(path, device)
        info = self.session.get_modelmeta().custom_metadata_map.get(METADATA)
        if info is None:
            raise ValueError(
                f'{path} has no config and classes of mmavs in its metadata: write it with '
                'tools/deployment/export_onnx.py'
            )
        info = json.loads(info)
        self.cfg = parse_config_text(info['config'], path)
        check_types(self.cfg.model.data_preprocessor, path)
        check_types(find_pipeline(self.cfg), path)
        self.dataset_meta = dict(classes=tuple(info['classes']), palette=info['palette'])
        self.data_preprocessor = MODELS.build(ConfigDict(self.cfg.model.data_preprocessor))
        self.align_corners = info['align_corners']
        self.decode_head = SimpleNamespace(
            num_classes=len(info['classes']), out_channels=info['out_channels'], threshold=info['threshold']
        )
        self.fusion = SimpleNamespace(needs_frames=False)

    def test_step(self, data: Any) -> list[SegDataSample]:
        """Segments a batch of ``inputs`` and ``data_samples``."""
        data = self.data_preprocessor(data, False)
        inputs = dict(image=data['inputs']['img'], log_mel=data['inputs']['audio'])
        (logits,) = self.session.run(None, {name: tensor.cpu().numpy() for name, tensor in inputs.items()})
        return BaseSegmentor.postprocess_result(self, torch.from_numpy(logits), data['data_samples'])
