"""Scores of a prediction under original and other audio, as pure functions.

The names are those of AVSBench-Robust (Li and Tian, "Do Audio-Visual Segmentation Models Truly Segment Sounding
Objects?", 2025): silence, noise and off-screen sound; false positive rate (FPR); G-mIoU and G-F, the geometric means of
a score with the original audio and of 1 minus the score with wrong audio.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

BETA2 = 0.3
ORIGINAL = 'original audio'
OFF_SCREEN = 'off-screen sound'
SILENT_OBJECT = 'silent object'
SILENCE = 'silence'
NOISE = 'noise'
CONDITIONS = (ORIGINAL, OFF_SCREEN, SILENT_OBJECT, SILENCE, NOISE)
WRONG = (OFF_SCREEN, SILENCE, NOISE)
"""Conditions without a sounding object in the picture."""
SCORES = ('IoU', 'F', 'FPR', 'predicted', 'IoU_silent_object')


def frame_scores(
    pred: np.ndarray,
    label: np.ndarray,
    condition: str,
    *,
    silent_object: np.ndarray | None = None,
    ignore_index: int = 255,
) -> dict[str, float]:
    """Scores of a frame; the foreground is everything but class 0.

    Args:
        pred: Predicted classes (H, W).
        label: Classes of the objects that sound in the original audio (H, W).
        condition: One of :data:`CONDITIONS`.
        silent_object: bool (H, W), the object whose audio is given under the condition ``'silent object'``.
        ignore_index: Label of pixels to leave out.

    Returns:
        dict: In [0, 1]: ``IoU`` and ``F`` (beta^2 = 0.3) of the foreground with that of ``label``, which are to be high
        with the original audio and near 0 otherwise; ``predicted``, the share of pixels predicted as foreground;
        ``FPR``, FP / (FP + TN) with the objects that sound under the condition as truth, NaN if there are no other
        pixels; and ``IoU_silent_object``, with the mask of this object.
    """
    valid = label != ignore_index
    found, truth = (pred != 0)[valid], (label != 0)[valid]
    target = None if silent_object is None else silent_object[valid]
    sounding = {ORIGINAL: truth, SILENT_OBJECT: target}.get(condition, np.zeros_like(truth))
    scores = dict(IoU=_iou(found, truth), F=_f_score(found, truth), FPR=_mean(found[~sounding]), predicted=_mean(found))
    return scores if target is None else scores | dict(IoU_silent_object=_iou(found, target))


def _iou(found: np.ndarray, truth: np.ndarray) -> float:
    union = (found | truth).sum()
    return float((found & truth).sum() / union) if union else float('nan')


def _f_score(found: np.ndarray, truth: np.ndarray) -> float:
    weight = BETA2 * truth.sum() + found.sum()
    return float((1 + BETA2) * (found & truth).sum() / weight) if weight else float('nan')


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else float('nan')


def summarize(rows: Iterable[Mapping]) -> dict[str, dict[str, float]]:
    """Means over frames under each condition.

    Args:
        rows: One for each frame and condition: ``frame``, ``condition`` and the scores of :func:`frame_scores`.

    Returns:
        dict: Condition -> ``frames``, means of the scores, and for :data:`WRONG` ``G_mIoU`` and ``G_F``, whose scores
        with the original audio are those of the same frames.
    """
    by_condition: dict[str, dict] = {}
    for row in rows:
        by_condition.setdefault(row['condition'], {})[row['frame']] = row
    summary = {}
    for condition in CONDITIONS:
        frames = by_condition.get(condition)
        if not frames:
            continue
        means = {score: _mean_of(frames.values(), score) for score in SCORES}
        summary[condition] = dict(frames=len(frames), **{k: v for k, v in means.items() if not math.isnan(v)})
        if condition in WRONG:
            original = [by_condition[ORIGINAL][frame] for frame in frames]
            for name, score in (('G_mIoU', 'IoU'), ('G_F', 'F')):
                summary[condition][name] = geometric_mean(_mean_of(original, score), means[score])
    return summary


def geometric_mean(right: float, wrong: float) -> float:
    """``sqrt(right * (1 - wrong))``: 1 for perfect predictions with the original audio and none with wrong audio."""
    return math.sqrt(right * (1 - wrong))


def _mean_of(rows: Iterable[Mapping], score: str) -> float:
    values = [row[score] for row in rows if row.get(score) is not None and not math.isnan(row[score])]
    return float(np.mean(values)) if values else float('nan')


def make_table(summary: Mapping[str, Mapping[str, float]]) -> str:
    """The summary as a Markdown table, in percent."""
    columns = dict(
        IoU='mIoU', F='F', FPR='FPR', predicted='pixels predicted', IoU_silent_object='mIoU with the silent object',
        G_mIoU='G-mIoU', G_F='G-F',
    )  # fmt: skip
    lines = [f'| audio | frames | {" | ".join(columns.values())} |', '|---|' + '---:|' * (len(columns) + 1)]
    for condition, values in summary.items():
        cells = [f'{100 * values[key]:.1f}' if key in values else '-' for key in columns]
        lines.append(f'| {condition} | {values["frames"]} | {" | ".join(cells)} |')
    return '\n'.join(lines)


def describe(conditions: Sequence[str]) -> str:
    """Description of the columns, printed below the table."""
    lines = [
        'All values in percent, means over frames. mIoU and F: foreground against the mask of the original audio, high '
        'with the original audio and near 0 otherwise.',
        'FPR: share of the pixels without a sounding object that are predicted. G-mIoU, G-F: geometric mean of the '
        'value with the original audio and 100 minus the value with this audio.',
    ]
    if SILENT_OBJECT in conditions:
        lines.append('Silent object: audio of a class that is in the picture, but silent in the original.')
    return '\n'.join(lines)
