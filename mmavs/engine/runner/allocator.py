"""Memory allocation of the C library, for training and testing on the CPU."""

import ctypes
import os
import platform

import torch

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # parameters of mallopt(3)
_VARIABLES = ('MALLOC_MMAP_MAX_', 'MALLOC_MMAP_THRESHOLD_', 'MALLOC_TRIM_THRESHOLD_')


def keep_freed_memory() -> bool:
    """Makes glibc keep the memory of freed tensors for later ones instead of returning it to the kernel.

    By default every large tensor gets new pages, which the kernel clears. This takes a tenth to a third of the time of
    a training step on a CPU; keeping the memory needs about 25 % more of it. This has the effect of
    ``GLIBC_TUNABLES=glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=<very large>`` for this process and those that
    it forks. Does nothing with a GPU, with another C library, or if ``GLIBC_TUNABLES`` or a ``MALLOC_*_`` variable
    configures the allocator: ``GLIBC_TUNABLES=glibc.malloc.mmap_max=65536`` keeps glibc's default.

    Returns:
        bool: True if the settings were made.
    """
    by_user = 'glibc.malloc' in os.environ.get('GLIBC_TUNABLES', '') or any(v in os.environ for v in _VARIABLES)
    if torch.cuda.is_available() or platform.libc_ver()[0] != 'glibc' or by_user:
        return False
    mallopt = ctypes.CDLL(None).mallopt
    # A threshold of -1 means none. mallopt returns 1 if it has accepted the value.
    return mallopt(_M_MMAP_MAX, 0) == 1 and mallopt(_M_TRIM_THRESHOLD, -1) == 1
