"""tools/deployment/export_onnx.py, and the inferencer on what it writes."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoints import tiny_config, write_checkpoint
from mmseg.registry import MODELS

from mmavs.apis import AVSegInferencer
from mmavs.apis.onnx_export import ExportError, check_exportable, export_log_mel, open_session
from mmavs.audio.log_mel import LogMel

for name in ('onnx', 'onnxruntime', 'onnxscript'):
    pytest.importorskip(name)
TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'deployment' / 'export_onnx.py'


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('export_onnx_tool', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_exported_network_agrees_and_serves_the_inferencer(tool, tmp_path, capsys):
    checkpoint = write_checkpoint(tmp_path / 'a.pth', tiny_config())
    path = tmp_path / 'a.onnx'
    tool.main([checkpoint, '--out', str(path)])
    difference = float(capsys.readouterr().out.split('three sizes: ')[1].split()[0])
    assert difference < 1e-3 and not list(tmp_path.glob('*.part'))
    torch_based, onnx_based = (
        AVSegInferencer(weights=str(weights), device='cpu', show_progress=False) for weights in (checkpoint, path)
    )
    assert onnx_based.classes == torch_based.classes
    rng = np.random.default_rng(0)
    for size in ((48, 64), (61, 90)):
        picture, sound = rng.integers(0, 256, (*size, 3), dtype=np.uint8), rng.standard_normal(48000) * 0.2
        samples = [i(picture, sound, position=0.2, return_datasamples=True) for i in (torch_based, onnx_based)]
        logits = [sample.seg_logits.data for sample in samples]
        assert (logits[0] - logits[1]).abs().max() < 1e-3 * logits[0].abs().max()
        assert (samples[0].pred_sem_seg.data != samples[1].pred_sem_seg.data).float().mean() < 0.001
    pair = onnx_based([picture, picture], [sound, []], batch_size=2)['predictions']
    assert (pair[0] == torch_based(picture, sound)['predictions']).mean() > 0.999


@pytest.mark.slow
def test_exported_spectrogram_agrees(tmp_path):
    export_log_mel(str(tmp_path / 'mel.onnx'))
    session = open_session(str(tmp_path / 'mel.onnx'))
    for shape in ((1, 2, 48000), (3, 1, 16000), (2, 2, 20011)):
        waveform = 0.3 * torch.randn(shape)
        (found,) = session.run(None, dict(waveform=waveform.numpy()))
        assert np.abs(found - LogMel()(waveform).numpy()).max() < 1e-4


def test_networks_that_are_not_exported_are_named(tool, tmp_path):
    small = dict(
        backbone=dict(depth=18, base_channels=8, stem_channels=8, init_cfg=None),
        neck=dict(in_channels=(8, 16, 32, 64), out_channels=8),
        audio_backbone=dict(_delete_=True, type='AudioResNet', depth=18, in_channels=1, base_channels=8),
        fusion=dict(in_channels=(8, 8, 8, 8), audio_channels=304),
        decode_head=dict(in_channels=(8, 8, 8, 8), channels=8),
    )
    cfg = tiny_config('tpavi/tpavi_r50_1xb20-15e_avsbench-s4-224x224.py', small)
    meta = dict(classes=('background', 'object'), palette=[[0, 0, 0], [1, 2, 3]])
    checkpoint = write_checkpoint(tmp_path / 'a.pth', cfg, meta=meta)
    with pytest.raises(SystemExit, match='error: TPAVIFusion fuses the frames of a clip'):
        tool.main([checkpoint, '--out', str(tmp_path / 'a.onnx')])
    assert not list(tmp_path.glob('a.onnx*'))
    cfg = tiny_config()
    cfg.model.test_cfg = dict(mode='slide', crop_size=(8, 8), stride=(8, 8))
    with pytest.raises(ExportError, match="mode='slide' cannot be exported"):
        check_exportable(MODELS.build(cfg.model))
    with pytest.raises(ExportError, match='Linear cannot be exported'):
        check_exportable(torch.nn.Linear(1, 1))


def test_network_that_differs_is_removed(tool, tmp_path, monkeypatch):
    checkpoint = write_checkpoint(tmp_path / 'a.pth', tiny_config())
    monkeypatch.setattr(tool, 'export_network', lambda model, path, **_: Path(path).touch())
    monkeypatch.setattr(tool, 'compare', lambda model, path: 0.04)
    with pytest.raises(SystemExit, match='differs from PyTorch by more than 0.001'):
        tool.main([checkpoint, '--out', str(tmp_path / 'a.onnx')])
    assert not (tmp_path / 'a.onnx').exists()


def test_files_that_are_no_exported_networks_are_named(tmp_path):
    import onnx

    (tmp_path / 'a.onnx').write_bytes(b'no model')
    with pytest.raises(ValueError, match=r'a\.onnx cannot be opened as an ONNX model'):
        AVSegInferencer(weights=str(tmp_path / 'a.onnx'), device='cpu')
    value = onnx.helper.make_tensor_value_info('x', onnx.TensorProto.FLOAT, [1])
    other = onnx.helper.make_tensor_value_info('y', onnx.TensorProto.FLOAT, [1])
    graph = onnx.helper.make_graph([onnx.helper.make_node('Relu', ['x'], ['y'])], 'g', [value], [other])
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid('', 18)]), tmp_path / 'b.onnx')
    with pytest.raises(ValueError, match=r'b\.onnx has no config and classes of mmavs'):
        AVSegInferencer(weights=str(tmp_path / 'b.onnx'), device='cpu')
