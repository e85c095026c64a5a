"""Checks of a segmentor's config, with messages that name its keys."""

from collections.abc import Iterator, Sequence

from torch import nn


def list_heads(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yields (config key, head) for every decode head and auxiliary head; of a list the key is ``decode_head.0``."""
    for key in ('decode_head', 'auxiliary_head'):
        heads = getattr(model, key, None)
        if isinstance(heads, nn.ModuleList):
            yield from ((f'{key}.{i}', head) for i, head in enumerate(heads))
        elif heads is not None:
            yield key, heads


def check_class_weights(model: nn.Module) -> None:
    """Checks that each head has as many class weights as classes.

    Raises:
        ValueError: A loss has another number of class weights.
    """
    for key, head in list_heads(model):
        losses = getattr(head, 'loss_decode', None)  # mask classification heads have other losses
        for loss in losses if isinstance(losses, nn.ModuleList) else [losses]:
            weights = getattr(loss, 'class_weight', None)
            # Binary cross entropy may have one weight for all classes.
            if weights is None or len(weights) == head.out_channels or (len(weights) == 1 and _is_binary(loss)):
                continue
            raise ValueError(
                f'model.{key}.loss_decode.class_weight has {len(weights)} values, but the head has '
                f'{head.out_channels} classes (num_classes, with the background): set one weight for each class'
            )


def _is_binary(loss: nn.Module) -> bool:
    return bool(getattr(loss, 'use_sigmoid', False))


def check_auxiliary_heads(model: nn.Module, fused: Sequence[int], num_levels: int | None = None) -> None:
    """Checks that auxiliary heads read only fused levels, since other features do not depend on the audio.

    Args:
        model: The segmentor.
        fused: Indices of the fused levels.
        num_levels: Number of levels. Without it, indices from the end are not compared with those from the start.

    Raises:
        ValueError: A head reads another level.
    """
    for key, head in list_heads(model):
        if key.startswith('auxiliary_head'):
            index = head.in_index if isinstance(head.in_index, (list, tuple)) else (head.in_index,)
            unfused = [i for i in index if not _contains(fused, i, num_levels)]
            if unfused:
                raise ValueError(
                    f'model.{key}.in_index: level {unfused} is not fused with the audio, only '
                    f'{tuple(fused)} are: change in_index of the head or of model.fusion'
                )


def check_contrast_level(level: int, fused: Sequence[int], num_levels: int | None = None) -> None:
    """Checks that the contrastive loss reads a fused level; arguments as in :func:`check_auxiliary_heads`.

    Raises:
        ValueError: It reads another level.
    """
    if not _contains(fused, level, num_levels):
        raise ValueError(f'model.contrast_level {level} is not fused; model.fusion.in_index is {tuple(fused)}')


def _contains(fused: Sequence[int], index: int, num_levels: int | None) -> bool:
    if num_levels is not None:
        return index % num_levels in {i % num_levels for i in fused}
    return index in fused or any((i < 0) != (index < 0) for i in fused)
