"""A simulated CUDA device: tensors whose device is ``cuda:0`` and whose values lie on the CPU.

It shows on a machine without a GPU what fails or waits on one: a CPU tensor among CUDA tensors, float64 on the device,
and calls for which the host waits. Operations are computed on the CPU. The backward pass is not simulated, because
torch's autograd engine starts a thread for each real device.
"""

import traceback
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._mode_utils import no_dispatch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

DEVICE = torch.device('cuda', 0)
ROOT = Path(__file__).resolve().parents[1]
aten = torch.ops.aten
_COPIES = (aten._to_copy.default, aten.copy_.default)
# Their results, or the sizes of their results, depend on data: the host waits for the device.
_WAITING = (
    aten._local_scalar_dense.default,
    aten.nonzero.default,
    aten._unique2.default,
    aten.unique_dim.default,
    aten.unique_consecutive.default,
    aten.masked_select.default,
    aten.equal.default,
    aten.bincount.default,
    aten.repeat_interleave.Tensor,
)


class CudaTensor(torch.Tensor):
    """A tensor on the simulated device; ``value`` is the CPU tensor that it stands for."""

    @staticmethod
    def __new__(cls, value):
        return torch.Tensor._make_wrapper_subclass(
            cls,
            value.size(),
            strides=value.stride(),
            storage_offset=value.storage_offset(),
            dtype=value.dtype,
            layout=value.layout,
            device=DEVICE,
        )

    def __init__(self, value):
        self.value = value

    def tolist(self):
        return self.cpu().tolist()

    def __repr__(self):
        return f'CudaTensor({tuple(self.shape)}, {self.dtype})'

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        raise RuntimeError(f'{func} of a tensor on the simulated device outside of `simulated_cuda`')


class _Device(TorchDispatchMode):
    """Computes on the simulated device, and records.

    Attributes:
        waits: (operation, file and function that called it) -> calls for which the host waits.
        float64: The same for results in float64.
    """

    def __init__(self):
        super().__init__()
        self.waits, self.float64 = Counter(), Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        tensors = [x for x in _flatten((args, kwargs)) if isinstance(x, torch.Tensor)]
        on_device = [x for x in tensors if isinstance(x, CudaTensor)]
        target = kwargs.get('device')
        target = None if target is None else torch.device(target).type
        if target == 'cuda':
            kwargs['device'] = torch.device('cpu')
        if not on_device and target != 'cuda':
            return func(*args, **kwargs)
        self._check(func, args, kwargs, tensors, on_device, target)
        if kwargs.get('pin_memory') and on_device:
            kwargs.pop('pin_memory')
        kwargs.pop('non_blocking', None)
        result = func(*tree_map(_value, args), **tree_map(_value, kwargs))
        if target == 'cpu' or func is aten._local_scalar_dense.default:
            return result
        if torch.Tag.inplace_view in func.tags:  # such as squeeze_: the shape of the simulated tensor changes, too
            with no_dispatch():
                func(*args, **kwargs)
        if func._schema.name.endswith('_') and not func._schema.name.endswith('__') or 'out' in kwargs:
            return kwargs.get('out', args[0])
        stays = func is aten.copy_.default and not isinstance(args[0], CudaTensor)
        return result if stays else tree_map(self._wrap, result)

    def _check(self, func, args, kwargs, tensors, on_device, target):
        if func in _COPIES:
            sides = {isinstance(x, CudaTensor) for x in tensors} | ({target == 'cuda'} if target else set())
            if len(sides) > 1 and not (kwargs.get('non_blocking') and sides and self._to_device(args, target)):
                self.waits[f'{func.name()}', _caller()] += 1
            return
        masks = func in (aten.index.Tensor, aten.index_put_.default, aten.index_put.default) and any(
            x is not None and (x.dtype in (torch.bool, torch.uint8) or not isinstance(x, CudaTensor)) for x in args[1]
        )
        others = [x for x in tensors if not isinstance(x, CudaTensor) and x.ndim > 0]
        if others and not masks:
            raise RuntimeError(f'{func.name()}: tensors on cuda:0 and cpu, at {_caller()}')
        if func in _WAITING or masks:
            self.waits[func.name(), _caller()] += 1

    @staticmethod
    def _to_device(args, target):
        return target == 'cuda' if target else isinstance(args[0], CudaTensor)

    def _wrap(self, x):
        if not isinstance(x, torch.Tensor):
            return x
        if x.dtype == torch.float64:
            self.float64[_caller()] += 1
        return CudaTensor(x)


def _value(x):
    return x.value if isinstance(x, CudaTensor) else x


def _flatten(x):
    if isinstance(x, dict):
        x = list(x.values())
    return [z for y in x for z in _flatten(y)] if isinstance(x, (list, tuple)) else [x]


def _caller():
    """The innermost file and function of this project or of a package of OpenMMLab."""
    folders = {'mmavs': f'{ROOT}/mmavs/'} | {name: f'/site-packages/{name}/' for name in ('mmseg', 'mmcv', 'mmengine')}
    for frame in reversed(traceback.extract_stack(limit=60)):
        for name, folder in folders.items():
            if folder in frame.filename:
                return f'{name}/{frame.filename.rsplit(folder, 1)[1]}:{frame.name}'
    return 'tests'


@contextmanager
def simulated_cuda():
    """A context with a simulated device; gives the records of :class:`_Device`."""
    torch._C._ensureCUDADeviceGuardSet()  # a guard without effect where there is no GPU, as in torch's FakeTensorMode
    with (
        mock.patch('torch.cuda._lazy_init'),
        torch.backends.cudnn.flags(enabled=False),  # its operations have no CPU form
        sdpa_kernel(SDPBackend.MATH),
        _Device() as device,
    ):
        torch._C._set_only_lift_cpu_tensors(True)  # no copies to the device inside of torch that no mode sees
        try:
            yield device
        finally:
            torch._C._set_only_lift_cpu_tensors(False)


def to_simulated(model):
    """Moves parameters and buffers of a model; its data preprocessor then moves the data."""
    for module in model.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None:
                module._parameters[name] = nn.Parameter(CudaTensor(parameter.data), parameter.requires_grad)
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = CudaTensor(buffer)
        if hasattr(module, '_device'):
            module._device = DEVICE
    return model
