"""Gradients that wait for further batches (``accumulative_counts``), as parts of a checkpoint.

Between two steps of the optimizer each process has gradients of its own: they are averaged over the processes in the
last backward pass before the step only.
"""

from collections.abc import Callable

import torch
from mmengine.dist import all_gather, get_rank, get_world_size, is_main_process
from torch import Tensor, nn

Gradients = dict[str, Tensor]


def gather_gradients(model: nn.Module) -> list[Gradients]:
    """Collects the gradients of all processes; all of them must call it.

    Args:
        model: The model, not wrapped.

    Returns:
        list: On the main process for each process its gradients by parameter, on the CPU; empty on the others.
    """
    trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    gathered: list[Gradients] = [{} for _ in range(get_world_size())] if is_main_process() else []
    there = all_gather(torch.tensor([p.grad is not None for _, p in trained], dtype=torch.uint8))
    for i, (name, p) in enumerate(trained):
        if not any(flags[i] for flags in there):
            continue
        own = torch.zeros_like(p) if p.grad is None else p.grad
        parts = all_gather(own.detach().contiguous())
        for gradients, flags, part in zip(gathered, there, parts, strict=False):  # `gathered` is empty but on one
            if flags[i]:
                gradients[name] = part.cpu()
    return gathered


def restore_gradients(model: nn.Module, gathered: list[Gradients], warn: Callable[[str], None]) -> None:
    """Gives this process its gradients back.

    If there were other processes when they were gathered, each gets the mean: what the step uses is the mean over the
    processes.

    Args:
        model: The model, not wrapped.
        gathered: What :func:`gather_gradients` gave.
        warn: Called with a message in that case.
    """
    if len(gathered) == get_world_size():
        own = gathered[get_rank()]
    else:
        warn(
            f'The checkpoint lies between two steps of the optimizer and holds gradients of {len(gathered)} processes, '
            f'now there are {get_world_size()}: each goes on with their mean, and the training is not exactly the one '
            'that was interrupted.'
        )
        own = _mean(gathered)
    for name, parameter in model.named_parameters():
        if name in own:
            parameter.grad = torch.empty_like(parameter).copy_(own[name])  # in the memory format of the parameter


def _mean(gathered: list[Gradients]) -> Gradients:
    names = {name for gradients in gathered for name in gradients}
    return {name: sum(g[name] for g in gathered if name in g) / len(gathered) for name in names}
