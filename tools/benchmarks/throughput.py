"""Measures images per second of a training step by precision, memory format and compilation.

    python tools/benchmarks/throughput.py --batch 8 16

The step is that of CAVP with ResNet-50 on 512 x 512 images: preprocessing, forward, backward and optimizer step, with
the data in memory. Each setting runs in a separate process. The tool prints a table and writes throughput.json after
each setting. The share of the peak is the rate of FLOPs in convolutions and matrix products, divided by the rate of the
device for the product of large bf16 matrices.
"""

import argparse
import copy
import itertools
import json
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import NamedTuple

import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from speed.network import build_model, load_config, make_batch
from torch.utils.flop_counter import FlopCounterMode
from tqdm import tqdm

import mmavs  # noqa: F401
from mmavs.engine.runner.compiling import compile_parts

PRECISIONS = ('fp32', 'tf32', 'bf16', 'fp16')
LAYOUTS = ('channels_last', 'channels_first')
IMAGES = 886_400  # 80 epochs of VPO-MSMI


class Setting(NamedTuple):
    """The settings of a training step.

    Attributes:
        batch: Images per step.
        precision: ``fp32``, ``tf32`` (NVIDIA's TensorFloat-32), or mixed ``bf16`` or ``fp16``.
        layout: Memory format, ``channels_last`` or ``channels_first``.
        compiled: Compiles the parts of the model.
    """

    batch: int
    precision: str
    layout: str
    compiled: bool


def main() -> None:
    args = parse_args()
    settings = [Setting(*s) for s in itertools.product(args.batch, args.precision, args.layout, args.compiled)]
    results = []
    for setting in tqdm(settings, desc='settings'):
        results.append(setting._asdict() | measure_in_new_process(setting, args))
        write(results, args.out)
    print(make_table(results))


def parse_args() -> argparse.Namespace:
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--batch', nargs='+', type=int, default=[8, 16], help='images per step (default: 8 16)')
    parser.add_argument('--precision', nargs='+', choices=PRECISIONS, default=['fp32', 'tf32', 'bf16'])
    parser.add_argument('--layout', nargs='+', choices=LAYOUTS, default=LAYOUTS)
    parser.add_argument(
        '--compiled', nargs='+', type=_yes_or_no, default=[False, True], metavar='yes|no', help='default: both'
    )
    parser.add_argument('--steps', type=int, default=20, help='timed steps (default: %(default)s)')
    parser.add_argument('--device', default=device, help='default: %(default)s')
    parser.add_argument('--tiny', action='store_true', help='a tiny network, to test the tool')
    parser.add_argument(
        '--out', type=Path, default=Path('work_dirs/bench'), help='output folder (default: %(default)s)'
    )
    return parser.parse_args()


def _yes_or_no(text: str) -> bool:
    if text not in ('yes', 'no'):
        raise argparse.ArgumentTypeError(f'expected yes or no, got {text!r}')
    return text == 'yes'


def measure_in_new_process(setting: Setting, args: argparse.Namespace) -> dict:
    """Runs :func:`measure` in a new process; returns its result or the error."""
    spawn = multiprocessing.get_context('spawn')
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        try:
            return pool.submit(measure, setting, args.device, args.steps, tiny=args.tiny).result()
        except torch.OutOfMemoryError:
            return dict(error='out of memory')
        except BrokenProcessPool:
            return dict(error='the process was killed, usually because memory ran out')


def measure(setting: Setting, device: str, steps: int, *, tiny: bool = False, backend: str = 'inductor') -> dict:
    """Speed and memory of a training step.

    Args:
        setting: The settings of the step.
        device: Device that runs it.
        steps: Number of timed steps.
        tiny: Uses a tiny network.
        backend: Backend of ``torch.compile``.

    Returns:
        dict: ``images_per_second``, from the median step; ``first_step_seconds``, including compilation;
        ``peak_bytes``, None on a CPU; ``share_of_peak``, relative to the measured bf16 rate; ``hours`` for 80 epochs of
        VPO-MSMI.
    """
    step, model = make_step(setting, device, tiny)
    with FlopCounterMode(display=False) as counter:
        step()
    if setting.compiled:
        compile_parts(model, backend=backend)
    first = timed(step, device)
    if device.startswith('cuda'):
        torch.cuda.reset_peak_memory_stats(device)
    for _ in range(2):
        step()
    seconds = statistics.median(timed(step, device) for _ in range(steps))
    peak = torch.cuda.max_memory_allocated(device) if device.startswith('cuda') else None
    rate = setting.batch / seconds
    return dict(
        device=torch.cuda.get_device_name(device) if device.startswith('cuda') else device,
        images_per_second=rate,
        first_step_seconds=first,
        peak_bytes=peak,
        share_of_peak=counter.get_total_flops() / seconds / matrix_rate(device, 512 if tiny else 8192),
        hours=IMAGES / rate / 3600,
    )


def make_step(setting: Setting, device: str, tiny: bool) -> tuple[Callable[[], dict], torch.nn.Module]:
    """Returns a function that runs one training step, and the model."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = setting.precision == 'tf32'
    torch.backends.cudnn.benchmark = True
    cfg = load_config(tiny)
    cfg.model.channels_last = setting.layout == 'channels_last'
    model = build_model(cfg, plain=False).to(device).train()
    optim_wrapper = cfg.optim_wrapper
    if setting.precision in ('bf16', 'fp16'):
        cpu, scale = device == 'cpu', dict(loss_scale='dynamic') if setting.precision == 'fp16' else {}
        if cpu and scale:
            raise ValueError('fp16 needs a GPU; set --precision bf16')
        dtype = {} if cpu else dict(dtype='bfloat16' if setting.precision == 'bf16' else 'float16')
        optim_wrapper.update(type='CPUAmpOptimWrapper' if cpu else 'AmpOptimWrapper', **dtype, **scale)
    with DefaultScope.overwrite_default_scope('mmseg'):
        wrapper = build_optim_wrapper(model, optim_wrapper)
    batch = make_batch((64, 64) if tiny else (512, 512), setting.batch)
    return lambda: model.train_step(copy.copy(batch), wrapper), model


def timed(call: Callable[[], object], device: str) -> float:
    """Duration of a call in seconds, including its work on the device."""
    synchronize = torch.cuda.synchronize if device.startswith('cuda') else lambda: None
    synchronize()
    started = time.perf_counter()
    call()
    synchronize()
    return time.perf_counter() - started


def matrix_rate(device: str, size: int) -> float:
    """FLOPs per second of a product of two square bf16 matrices, the best of ten."""
    a, b = torch.randn(2, size, size, device=device, dtype=torch.bfloat16)
    return 2 * size**3 / min(timed(lambda: a @ b, device) for _ in range(10))


def write(results: list[dict], folder: Path) -> None:
    """Writes throughput.json atomically."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / 'throughput.json.tmp'
    temporary.write_text(json.dumps(results, indent=2) + '\n')
    os.replace(temporary, folder / 'throughput.json')


def make_table(results: list[dict]) -> str:
    """The results as a Markdown table."""
    lines = [
        '| batch | precision | memory format | compiled | images/s | peak memory (GiB) | share of bf16 rate '
        '| 80 epochs of VPO-MSMI (h) |',
        '|---:|---|---|---|---:|---:|---:|---:|',
    ]
    for r in results:
        cells = [str(r['batch']), r['precision'], r['layout'].replace('_', ' '), 'yes' if r['compiled'] else 'no']
        if 'error' in r:
            cells += [r['error'], '', '', '']
        else:
            peak = '' if r['peak_bytes'] is None else f'{r["peak_bytes"] / 2**30:.1f}'
            cells += [f'{r["images_per_second"]:.3g}', peak, f'{r["share_of_peak"]:.2f}', f'{r["hours"]:.1f}']
        lines.append('| ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines)


if __name__ == '__main__':
    main()
