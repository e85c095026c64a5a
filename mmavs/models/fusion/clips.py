"""Batches of frames as batches of clips, for temporal modules."""

from collections.abc import Sequence

from torch import Tensor


def count_frames(metas: Sequence[dict] | None, batch_size: int) -> int:
    """Number of frames of each clip of a batch.

    A clip is a run of samples with the same meta key ``clip`` and increasing ``frame``, as made by
    :class:`ClipSampler`. A sample without ``clip``, of VPO for example, is a clip of one frame.

    Args:
        metas: Meta information of each sample. None makes every sample a clip of one frame.
        batch_size: Number of samples.

    Raises:
        ValueError: The clips differ in length.
    """
    lengths: list[int] = []
    last: dict = {}
    for meta in metas or [{}] * batch_size:
        same = meta.get('clip') is not None and meta['clip'] == last.get('clip')
        if same and meta.get('frame', 0) > last.get('frame', 0):
            lengths[-1] += 1
        else:
            lengths.append(1)
        last = meta
    if len(set(lengths)) > 1:
        raise ValueError(
            f'the clips of a batch have {lengths} frames; a temporal model needs complete clips of one '
            "length: set sampler=dict(type='ClipSampler') and batch_sampler=dict(type='ClipBatchSampler') in the data "
            'loader, with a batch_size that is a multiple of the frames of every clip'
        )
    return lengths[0]


def to_clips(x: Tensor, frames: int) -> Tensor:
    """(clips * frames, ...) -> (clips, frames, ...)."""
    return x.unflatten(0, (-1, frames))
