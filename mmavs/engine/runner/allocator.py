"""Telling the C library to keep freed memory, where training and testing run on the CPU."""

import ctypes
import os
import platform

import torch

# Parameters of mallopt(3).
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4


def keep_freed_memory() -> bool:
    """Has glibc keep the memory of freed tensors for the next ones, instead of giving it back to the kernel.

    By default every large tensor is mapped and unmapped anew, and the kernel clears each of its pages again: a tenth
    to a third of the time of a training step on a CPU, which some 25 % more memory saves. The effect is that of
    ``GLIBC_TUNABLES=glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=<very large>``, for this process and those
    that it forks, from the call on. Does nothing

    - where a GPU is used: tensors are elsewhere,
    - with another C library than glibc,
    - where ``GLIBC_TUNABLES`` or a ``MALLOC_*_`` variable already says how to allocate, which is also the way out:
      ``GLIBC_TUNABLES=glibc.malloc.mmap_max=65536`` is glibc's default.

    Returns:
        bool: Whether the settings were made.
    """
    if torch.cuda.is_available() or platform.libc_ver()[0] != 'glibc' or _chosen_by_user():
        return False
    mallopt = ctypes.CDLL(None).mallopt
    # A threshold of -1 is no threshold. mallopt returns 1 where it took the value.
    return mallopt(_M_MMAP_MAX, 0) == 1 and mallopt(_M_TRIM_THRESHOLD, -1) == 1


def _chosen_by_user() -> bool:
    variables = ('MALLOC_MMAP_MAX_', 'MALLOC_MMAP_THRESHOLD_', 'MALLOC_TRIM_THRESHOLD_')
    return 'glibc.malloc' in os.environ.get('GLIBC_TUNABLES', '') or any(v in os.environ for v in variables)
