import copy
import os
import platform
import subprocess
import sys

import pytest
import torch
from av_model import without_downloads
from mmseg.registry import MODELS
from shipped_configs import LEAVES, heads_of, load
from torch import nn

from mmavs.models.memory_format import use_channels_last

DEBUG_LIBRARY = 'libc_malloc_debug.so.0'
needs_glibc = pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason="needs glibc's check of allocated memory")
# A forward and a backward pass of each convolution, channels last, under glibc's check of what is allocated.
RUN_CONVOLUTIONS = """
import ast, os, sys, torch
from mmavs.models.memory_format import use_channels_last
torch.set_num_threads(1)
for in_channels, out_channels, kernel, stride, dilation, groups in ast.literal_eval(sys.stdin.read()):
    conv = torch.nn.utils.skip_init(
        torch.nn.Conv2d, in_channels, out_channels, kernel, stride, [d * (k // 2) for d, k in zip(dilation, kernel)],
        dilation, groups, bias=False
    )
    torch.nn.init.constant_(conv.weight, 0.01)
    use_channels_last(conv)
    small = in_channels * out_channels <= 4096
    for _ in range(100 if small else 1):
        x = torch.ones(3, in_channels, 8, 16 if small else 4).to(memory_format=torch.channels_last).requires_grad_()
        conv(x).square().sum().backward()
os._exit(0)
"""


def convolutions(model):
    return {
        (m.in_channels, m.out_channels, m.kernel_size, m.stride, m.dilation, m.groups)
        for m in model.modules()
        if isinstance(m, nn.Conv2d) and m.weight.shape[2] <= 8
    }


def parts_with_channels_last():
    """Configs of the parts of all shipped models with ``channels_last=True``, each once. Ablations have the same."""
    parts = {}
    for path in LEAVES:
        if path.parent.name == 'ablations':
            continue
        model = load(path).model
        if model.get('channels_last'):
            found = [model.backbone, model.get('neck'), model.audio_backbone, *heads_of(model)]
            parts |= {repr(part): without_downloads(part) for part in found if part}
    return parts.values()


@pytest.mark.slow
@needs_glibc
def test_convolutions_of_the_shipped_models_keep_within_their_memory():
    pytest.importorskip('timm')
    with torch.device('meta'):  # the shapes matter, not the values
        shapes = set().union(*(convolutions(MODELS.build(cfg)) for cfg in parts_with_channels_last()))
    assert len(shapes) > 20
    done = run_convolutions(shapes)
    assert done.returncode == 0, done.stderr


def run_convolutions(shapes):
    # AVX2 at most: with AVX-512 the fault does not show.
    env = {**os.environ, 'LD_PRELOAD': DEBUG_LIBRARY, 'GLIBC_TUNABLES': 'glibc.malloc.check=3'}
    env['ONEDNN_MAX_CPU_ISA'] = 'AVX2'
    return subprocess.run(
        [sys.executable, '-c', RUN_CONVOLUTIONS], input=repr(sorted(shapes)), env=env, capture_output=True, text=True
    )


@needs_glibc
def test_strided_convolutions_with_few_channels_keep_within_their_memory():
    shapes = [(channels, 8, (1, 1), (2, 2), (1, 1), 1) for channels in (4, 8, 12, 16)]
    done = run_convolutions(shapes)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize('channels, stride, contiguous', [(4, 2, True), (12, 2, True), (16, 2, False), (4, 1, False)])
def test_strided_convolutions_with_few_channels_stay_contiguous(channels, stride, contiguous):
    conv = nn.Conv2d(channels, 8, 1, stride=stride)
    plain = copy.deepcopy(conv)
    use_channels_last(conv)
    assert (conv.weight.stride() == plain.weight.stride()) == contiguous
    x = torch.randn(2, channels, 6, 8)
    out = conv(x.to(memory_format=torch.channels_last))
    assert out.is_contiguous() == contiguous
    torch.testing.assert_close(out, plain(x))
