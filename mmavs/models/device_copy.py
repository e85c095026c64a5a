import torch
from torch import Tensor


def copy_to_device(values: list, device: torch.device, dtype: torch.dtype | None = None) -> Tensor:
    """``torch.tensor(values, device=device)`` without a synchronization of the device.

    Args:
        values: Numbers, or nested lists of numbers.
        device: Device of the tensor.
        dtype: Data type; that of the values by default.
    """
    return torch.tensor(values, dtype=dtype).to(device, non_blocking=True)
